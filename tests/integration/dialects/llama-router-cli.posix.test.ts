import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHuggingFaceOrigin } from '../../fakes/hugging-face-origin.ts';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { cliEnv, cliFile, runCli } from '../support/corral-process.ts';
import { writeFakeEngine } from '../support/fake-server-command.ts';

let folder: TestFolder;
let env: Record<string, string>;
beforeEach(async () => {
  folder = await createTestFolder();
  const engine = await writeFakeEngine(path.join(folder.path, 'bin'));
  env = cliEnv(folder, { PATH: `${path.dirname(engine)}:${process.env['PATH'] ?? ''}` });
});
afterEach(() => folder.dispose());

const asRouter = (...args: string[]): ReturnType<typeof runCli> =>
  runCli(['as', '--data-dir', path.join(folder.path, 'data'), 'llama-router', ...args], env);
const configFile = (): string => path.join(folder.path, '.config/llama.cpp/router-config.json');

async function readModels(): Promise<Record<string, unknown>[]> {
  return (JSON.parse(await readFile(configFile(), 'utf8')) as { models: Record<string, unknown>[] }).models;
}

async function touch(name: string): Promise<string> {
  const file = path.join(folder.path, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '');
  return file;
}

describe('corral as llama-router', () => {
  it('R1.1 shows its help', async () => {
    const { exitCode, stdout } = await asRouter('--help');
    expect(exitCode).toBe(0);
    for (const flag of ['--config', '-hf, -hfr, --hf-repo', '-hff, --hf-file', '--import-dir', 'HF_TOKEN']) {
      expect(stdout).toContain(flag);
    }
  });

  it.each([['--import-dir'], ['-hf'], ['--config']])('R1.1 refuses %s without a value', async (flag) => {
    const { exitCode, stderr } = await asRouter(flag);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${flag} needs a value`);
  });

  it('R1.5 imports a folder: projectors beside their models, each model once, in the router’s own file', async () => {
    const model = await touch('models/deep/llava-v1.6-mistral-7b-Q4_K_M.gguf');
    const projector = await touch('models/deep/mmproj-model-f16.gguf');
    const plain = await touch('models/plain.gguf');
    expect((await asRouter('--import-dir', '~/models/')).exitCode).toBe(0);
    const again = await asRouter('--import-dir', path.join(folder.path, 'models'));
    expect(again.stdout).toContain('0 added, 2 known already');
    const [first, second, ...rest] = await readModels();
    expect(rest).toEqual([]);
    expect(first).toEqual({ name: 'plain.gguf', path: plain, state: 'manual', group: '' });
    expect(second).toMatchObject({ path: model, state: 'manual' });
    expect((second?.['spawn'] as { command: string[] }).command.slice(-2)).toEqual(['--mmproj', projector]);
  });

  it('R1.1 R1.5 imports into the file that is named, and says what is wrong with it', async () => {
    await touch('models/a.gguf');
    const file = await folder.write('mine.json', '{"models":[],"mine":1}');
    expect((await asRouter('--config', file, '--import-dir', path.join(folder.path, 'models'))).exitCode).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ mine: 1, models: [{ name: 'a.gguf' }] });
    const missing = await asRouter('--config', file, '--import-dir', '/nowhere/at/all');
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain('/nowhere/at/all is no folder');
  });

  it('R1.2 R1.6 R1.13 makes its file at the first run, with what is in the caches, and ends in order', async () => {
    await touch('.cache/huggingface/hub/models--o--r/snapshots/1/cached.gguf');
    await touch('.cache/llama.cpp/older.gguf');
    const args = [cliFile, 'as', '--data-dir', path.join(folder.path, 'data'), 'llama-router'];
    // Its own port may be taken on the machine that runs the tests, so the first run only makes the file.
    await asRouter('--import-dir', folder.path + '/bin');
    const file = JSON.parse(await readFile(configFile(), 'utf8')) as { router: { port: number; host: string } };
    expect(file.router).toMatchObject({ host: '127.0.0.1', port: 8082 });
    await writeFile(configFile(), JSON.stringify({ ...file, router: { ...file.router, port: 0 } }));
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    try {
      const address = (): string | undefined => /llama-router listens on (\S+)/.exec(output)?.[1];
      await eventually('it listens', () => address() !== undefined, 15_000);
      const { data } = (await (await fetch(`${address() ?? ''}/v1/models`)).json()) as { data: { id: string }[] };
      expect(data.map(({ id }) => id)).toEqual(['cached.gguf', 'older.gguf']);
      expect(await readModels()).toMatchObject([{ state: 'auto' }, { state: 'auto' }]);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited, output).toBe(0);
  });

  it('R1.1 downloads a model into the cache, where it is found', async () => {
    const bytes = Buffer.from('a model of a few bytes');
    const hub = await startHuggingFaceOrigin({
      'bartowski/Qwen3-8B-GGUF': { files: { 'Qwen3-8B-Q4_K_M.gguf': bytes, 'Qwen3-8B-Q8_0.gguf': Buffer.from('x') } },
    });
    env = { ...env, HF_ENDPOINT: hub.url };
    try {
      const byQuant = await asRouter('-hf', 'bartowski/Qwen3-8B-GGUF:Q4_K_M');
      expect(byQuant.exitCode, byQuant.stderr).toBe(0);
      const downloaded = byQuant.stdout.trim().split('\n').at(-1) ?? '';
      expect(downloaded).toContain(path.join('.cache', 'huggingface', 'hub', 'models--bartowski--Qwen3-8B-GGUF'));
      const digest = createHash('sha256')
        .update(await readFile(downloaded))
        .digest('hex');
      expect(digest).toBe(createHash('sha256').update(bytes).digest('hex'));
      const byName = await asRouter('-hf', 'bartowski/Qwen3-8B-GGUF', '-hff', 'Qwen3-8B-Q8_0.gguf');
      expect(byName.stdout).toContain('Qwen3-8B-Q8_0.gguf');
      const unknown = await asRouter('-hf', 'nobody/nothing');
      expect(unknown.exitCode).toBe(1);
      expect(unknown.stderr).not.toBe('');
    } finally {
      await hub.close();
    }
  });
});
