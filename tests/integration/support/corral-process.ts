import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import type { Bridge } from '#shared/contract/bridge.ts';
import { readInstanceFile } from '../../../electron/engine/config/instance-file.ts';
import { eventually, type TestFolder } from './corral.ts';

export const cliFile = fileURLToPath(new URL('../../../out/cli.js', import.meta.url));

export interface CliRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a user with an empty home, found again by the folder's marker. */
export function cliEnv(folder: TestFolder, more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder.path,
    XDG_RUNTIME_DIR: folder.path,
    CORRAL_TEST_RUN: folder.marker,
    ...more,
  };
}

/** Runs the built `corral` to its end. */
export function runCli(args: readonly string[], env: Record<string, string>): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cliFile, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

export interface CorralProcess {
  readonly child: ChildProcess;
  readonly address: string;
  readonly bridge: Bridge;
  readonly dataFolder: string;
  output(): string;
  post(body: unknown): Promise<Response>;
  /** Sends a signal and resolves with the exit code and how long it took. */
  end(signal: NodeJS.Signals): Promise<{ exitCode: number | null; tookMs: number }>;
}

/** `corral serve` as a process of its own; resolves once it has recorded its address. */
export async function startCorralProcess(
  folder: TestFolder,
  config: Record<string, unknown>,
  args: readonly string[] = ['--port', '0'],
  nodeArgs: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<CorralProcess> {
  const configFile = await folder.write('config.yaml', stringify(config));
  const dataFolder = path.join(folder.path, 'data');
  const serve = [cliFile, 'serve', '--config', configFile, '--data-dir', dataFolder, ...args];
  const child = spawn(process.execPath, [...nodeArgs, ...serve], {
    env: cliEnv(folder, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await eventually(
    'corral serve is up',
    async () => {
      if (child.exitCode !== null) throw new Error(`corral serve ended with ${child.exitCode}:\n${output}`);
      return (await readInstanceFile(dataFolder))?.pid === child.pid;
    },
    15_000,
  );
  const instance = await readInstanceFile(dataFolder);
  if (instance === undefined) throw new Error('the instance file is gone');
  const bridge = createHttpBridge({ address: instance.address, token: instance.token });
  return {
    child,
    address: instance.address,
    bridge,
    dataFolder,
    output: () => output,
    post: (body) => fetch(`${instance.address}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) }),
    async end(signal) {
      bridge.close();
      const startedMs = performance.now();
      child.kill(signal);
      const exitCode = await exited;
      return { exitCode, tookMs: performance.now() - startedMs };
    },
  };
}
