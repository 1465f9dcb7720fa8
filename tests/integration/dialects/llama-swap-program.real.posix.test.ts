import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { useRealLlamaServer } from '../support/use-real-llama-server.ts';
import { startSeedProcess, type SeedProcess } from '../support/seed-process.ts';

const sentence = 'The red barn stands on the hill.';
const LISTENING = /Listening on (http:\/\/\S+) in the language of llama-swap/;

const stage = useRealLlamaServer();

function run(args: readonly string[], options?: Parameters<typeof startSeedProcess>[2]): SeedProcess {
  const running = startSeedProcess(stage.folder, args, options);
  stage.endAfterwards(running.end);
  return running;
}

async function config(): Promise<string> {
  const file = await stage.folder.write('m.gguf', buildSentenceModel({ name: 'm', sentence }));
  return stringify({ models: { m: { cmd: `"${stage.llamaServer}" --port \${PORT} -m "${file}" -c 512` } } });
}

async function ask(address: string): Promise<string> {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}

describe('the program llama-swap', () => {
  it('R4.1 takes its file and its address', async () => {
    const file = await stage.folder.write('swap.yaml', await config());
    const running = run(['llama-swap', '--config', file, '--listen', '127.0.0.1:0']);
    const address = await running.find(LISTENING);
    expect(await ask(address)).toBe(sentence);
    expect((await fetch(`${address}/control/events`)).status).toBe(404);
    expect(await (await fetch(`${await running.nativeAddress()}/health`)).json()).toEqual({ status: 'ok' });
  });

  it('R4.1 looks for config.yaml where it is started, and keeps other machines out', async () => {
    const workFolder = path.join(stage.folder.path, 'here');
    await mkdir(workFolder);
    await stage.folder.write('here/config.yaml', await config());
    const running = run(['llama-swap', '-listen', ':0'], { workFolder });
    expect(await ask(await running.find(LISTENING))).toBe(sentence);
    expect(running.output()).toMatch(/127\.0\.0\.1 instead of 0\.0\.0\.0/);
  });

  it.each([
    ['models: { a: {} }', /^Error loading config: models\.a\.cmd: must be given/m],
    ['models: [', /^Error loading config: .*line 1/m],
    ['models: { a: { cmd: "x ${nothing}" } }', /^Error loading config: models\.a\.cmd: .*\$\{nothing\}/m],
  ])('R4.1 ends with 1 and says what is wrong with %s', async (text, line) => {
    const file = await stage.folder.write('config.yaml', text);
    const ended = startSeedProcess(stage.folder, ['llama-swap', '--config', file]);
    expect(await ended.exited).toBe(1);
    expect(ended.output()).toMatch(line);
  });

  it('R4.9 runs as a unit of systemd does it: no home, another folder, an end by SIGTERM that leaves nothing behind', async () => {
    const file = await stage.folder.write('llama-swap.config.yml', await config());
    const running = run(['llama-swap', '--config', file, '--listen', '127.0.0.1:0'], {
      workFolder: '/',
      env: { HOME: '/nonexistent' },
    });
    expect(await ask(await running.find(LISTENING))).toBe(sentence);
    expect((await stage.folder.liveProcesses()).length).toBeGreaterThan(1);
    running.child.kill('SIGTERM');
    expect(await running.exited).toBe(0);
    expect(await stage.folder.liveProcesses()).toEqual([]);
  });
});
