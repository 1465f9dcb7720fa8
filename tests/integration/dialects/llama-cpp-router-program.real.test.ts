import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { cliEnv, runCli, startCorralProcess, type CliRun, type CorralProcess } from '../support/corral-process.ts';
import { createTestFolder } from '../support/corral.ts';
import { freePort } from '../support/free-port.ts';
import { startSeedProcess, type SeedProcess } from '../support/seed-process.ts';
import { useRealLlamaServer } from '../support/use-real-llama-server.ts';

const sentence = 'The red barn stands on the hill.';

const stage = useRealLlamaServer();

function run(args: readonly string[], options?: Parameters<typeof startSeedProcess>[2]): SeedProcess {
  const running = startSeedProcess(stage.folder, args, options);
  stage.endAfterwards(running.end);
  return running;
}

async function config(more: Record<string, unknown> = {}): Promise<string> {
  await stage.folder.write('m.gguf', buildSentenceModel({ name: 'm', sentence }));
  return JSON.stringify({
    owner: 'llama.cpp',
    system: { llamaServer: stage.llamaServer },
    server: { hostname: '0.0.0.0', port: 0 },
    models: {
      m: {
        modelFilePath: './m.gguf',
        common: { cacheType: 'f32', contextSize: 512, nGpuLayers: 0 },
        sampling: { mirostat: 0 },
        network: { port: 9101 },
      },
    },
    ...more,
  });
}

const LISTENING = /^🌐 Server listening on (http:\/\/127\.0\.0\.1:\d+)$/m;

async function ask(address: string): Promise<unknown> {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const body = (await response.json()) as { choices?: [{ message: { content: string } }] };
  return body.choices?.[0].message.content ?? body;
}

describe('the program llama_cpp_router', () => {
  it('R0.1 is started with the path of its file, and says where it listens as it always did', async () => {
    const file = await stage.folder.write('my-custom-config.json', await config());
    const running = run(['llama_cpp_router', file]);
    const address = await running.find(LISTENING);
    expect(await ask(address)).toBe(sentence);
    // The native address is another one, and answers as Corral.
    const native = await running.nativeAddress();
    expect(native).not.toBe(address);
    expect(await (await fetch(`${native}/health`)).json()).toEqual({ status: 'ok' });
    expect((await fetch(`${address}/control/events`)).status).toBe(404);
    expect((await fetch(`${address}/ui/`)).status).toBe(404);
    expect(running.output()).toMatch(/server\.hostname: other machines are kept out/);
  });

  it('R0.1 looks for ./config.json if nothing is said', async () => {
    const file = await stage.folder.write('config.draft', await config());
    const workFolder = path.join(stage.folder.path, 'here');
    await mkdir(workFolder);
    await rename(file, path.join(workFolder, 'config.json'));
    await rename(path.join(stage.folder.path, 'm.gguf'), path.join(workFolder, 'm.gguf'));
    const running = run(['llama_cpp_router'], { workFolder });
    expect(await ask(await running.find(LISTENING))).toBe(sentence);
  });

  it.each([
    ['{"models": {}}', /^owner: .+$/m],
    ['{"owner": "me", "models": {"a": {"network": {"port": 1}}}}', /^models\.a\.modelFilePath: .+$/m],
    ['{"owner": ', /^line 1: .+$/m],
  ])('R0.1 ends with 1 and says what is wrong with %s', async (text, line) => {
    const file = await stage.folder.write('config.json', text);
    const ended = startSeedProcess(stage.folder, ['llama_cpp_router', file]);
    expect(await ended.exited).toBe(1);
    expect(ended.output()).toMatch(/^Config validation error in ".*config\.json":$/m);
    expect(ended.output()).toMatch(line);
  });

  it('ends with 1 and names who holds its port', async () => {
    const holder = run(['llama_cpp_router', await stage.folder.write('config.json', await config())]);
    const { port } = new URL(await holder.find(LISTENING));
    const second = await createTestFolder();
    const file = await second.write('config.json', await config({ server: { port: Number(port) } }));
    const ended = startSeedProcess(second, ['llama_cpp_router', file]);
    expect(await ended.exited).toBe(1);
    expect(ended.output()).toContain(`Port ${port} on 127.0.0.1 is taken by`);
    expect(ended.output()).toMatch(/choose another port with --port/);
    await second.dispose();
  });

  it('R0.6 tells of all models, and of one, whether they fit', async () => {
    const running = run(['llama_cpp_router', await stage.folder.write('config.json', await config())]);
    const address = await running.find(LISTENING);
    const fit = {
      fits: true,
      requiredVramBytes: expect.any(Number) as number,
      freeVramBytes: expect.any(Number) as number,
      details: expect.any(Object) as object,
      message: 'm fits',
    };
    const all = await fetch(`${address}/modelFits`);
    expect(all.status).toBe(200);
    expect(await all.json()).toEqual({ m: fit });
    const one = (await (await fetch(`${address}/modelFits?model=m`)).json()) as typeof fit;
    expect(one).toEqual(fit);
    expect(one.requiredVramBytes).toBeGreaterThan(0);
    expect(one.freeVramBytes).toBeGreaterThan(one.requiredVramBytes);
    const unknown = await fetch(`${address}/modelFits?model=nobody`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toEqual({ error: 'not found' });
  });
});

describe('`corral serve` on its file', () => {
  const seedFile = async (): Promise<Record<string, unknown>> => {
    const { models, ...rest } = JSON.parse(await config()) as Record<string, unknown>;
    return { ...rest, server: { hostname: '127.0.0.1', port: 1 }, models };
  };
  const serve = (...args: string[]): Promise<CorralProcess> =>
    seedFile().then((document) => startCorralProcess(stage.folder, document, args));

  it('lets --port stand above the file, and --native-port say where Corral itself is', async () => {
    const nativePort = await freePort();
    const port = await freePort();
    const corral = await serve('--port', String(port), '--native-port', String(nativePort));
    try {
      expect(corral.address).toBe(`http://127.0.0.1:${nativePort}`);
      expect(await ask(`http://127.0.0.1:${port}`)).toBe(sentence);
      expect(await ask(corral.address)).toBe(sentence);
      // The command line finds the native address by the instance file.
      const ps = await runCli(['ps', '--json', '--data-dir', corral.dataFolder], cliEnv(stage.folder));
      expect(ps).toMatchObject({ exitCode: 0 });
      expect(ps.stdout).toContain('"m"');
    } finally {
      await corral.end('SIGTERM');
    }
  });

  it('opens it to other machines for no option without a key', async () => {
    const file = await stage.folder.write('config.json', JSON.stringify(await seedFile()));
    const args = ['serve', '--config', file, '--data-dir', path.join(stage.folder.path, 'data'), '--host', '0.0.0.0'];
    const { exitCode, stderr } = await runCli(args, cliEnv(stage.folder));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/--host 0\.0\.0\.0 would open Corral to other machines without a key/);
  });

  it('takes --format above what the file looks like', async () => {
    const file = await stage.folder.write('config.json', '{"owner": "me", "models": {}}');
    const check = (...args: string[]): Promise<CliRun> =>
      runCli(['config', 'check', file, ...args], cliEnv(stage.folder));
    expect((await check()).exitCode).toBe(1);
    expect((await check('--format', 'llama_cpp_router')).exitCode).toBe(0);
    expect((await check('--format', 'native')).stdout).toMatch(/owner/);
    expect((await check('--format', 'nginx')).exitCode).toBe(2);
  });
});
