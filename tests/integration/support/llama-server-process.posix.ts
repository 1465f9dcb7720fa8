import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LlamaServerProcess {
  /** GET without a body, POST with one; the answer's body, parsed. Rejects unless the status is 200. */
  ask(route: string, body?: object): Promise<unknown>;
  stop(): Promise<void>;
}

const startTimeoutMs = 20_000;

/** Starts llama-server on a Unix socket in `folder` and waits until it answers. */
export async function startLlamaServer(
  executable: string,
  modelFile: string,
  folder: string,
): Promise<LlamaServerProcess> {
  const socketPath = path.join(folder, 'llama.sock');
  const child = spawn(executable, ['--host', socketPath, '-m', modelFile], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = once(child, 'exit');

  const ask = async (route: string, body?: object): Promise<unknown> => {
    const call = request({ socketPath, path: route, method: body === undefined ? 'GET' : 'POST', agent: false });
    call.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(call, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    let text = '';
    for await (const chunk of response) text += chunk.toString();
    if (response.statusCode !== 200) throw new Error(`${route} answered ${response.statusCode}: ${text}`);
    return JSON.parse(text);
  };
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };

  const deadlineMs = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      await ask('/health');
      return { ask, stop };
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadlineMs) {
        if (child.exitCode === null) await stop();
        throw new Error(`llama-server did not become ready:\n${output}`, { cause: error });
      }
    }
    await sleep(20);
  }
}
