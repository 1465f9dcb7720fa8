import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { startHuggingFaceOrigin, type HuggingFaceOrigin } from '../fakes/hugging-face-origin.ts';
import { createTestFolder, eventually, type TestFolder } from './support/corral.ts';
import { cliEnv, runCli, startCorralProcess, type CorralProcess } from './support/corral-process.ts';

/** `corral pull` and `corral import`, as a person has them. */

const weights = buildSentenceModel({ name: 'Tiny', sentence: 'Hello.' });

let folder: TestFolder;
let corral: CorralProcess | undefined;
let hub: HuggingFaceOrigin;

beforeEach(async () => {
  folder = await createTestFolder();
  hub = await startHuggingFaceOrigin({ 'user/repo': { files: { 'Tiny-Q4_K_M.gguf': weights } } });
});

afterEach(async () => {
  await corral?.end('SIGTERM');
  corral = undefined;
  await hub.close();
  await folder.dispose();
});

const run = (...args: string[]): ReturnType<typeof runCli> =>
  runCli([...args, '--data-dir', path.join(folder.path, 'data')], cliEnv(folder));

it('corral pull has the running Corral fetch a model, which can be used then, and deleted', async () => {
  corral = await startCorralProcess(folder, { engine: { autoInstall: false } }, ['--port', '0'], [], {
    HF_ENDPOINT: hub.url,
  });
  expect(await run('pull', 'user/repo:Q8_0')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('It has: Q4_K_M') as string,
  });
  expect(await run('pull', '../../etc')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('names no repository') as string,
  });
  expect((await run('pull')).exitCode).toBe(2);
  expect(await run('pull', 'user/repo')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^user\/repo was downloaded \(.*Tiny-Q4_K_M\.gguf\n$/) as string,
  });
  const { download } = JSON.parse((await run('pull', 'user/repo', '--json')).stdout) as {
    download: { state: string; modelFile: string };
  };
  expect(download.state).toBe('finished');
  expect(await readFile(download.modelFile)).toEqual(Buffer.from(weights));
  await eventually('it is listed', async () => (await run('models')).stdout.includes('tiny-q4_k_m'));
  expect((await run('models')).stdout).toContain("found in Hugging Face's cache");

  expect((await run('delete')).exitCode).toBe(2);
  expect(await run('delete', 'user/repo:Q4_K_M')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^tiny-q4_k_m deleted \(.*\n {2}.*Tiny-Q4_K_M\.gguf\n$/) as string,
  });
  await expect(readFile(download.modelFile)).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await run('models')).stdout).not.toContain('tiny-q4_k_m');
  const unknown = await run('delete', 'tiny-q4_k_m', '--json');
  expect([unknown.exitCode, unknown.stdout + unknown.stderr]).toEqual([1, expect.stringContaining('not-found')]);
});

it('corral import writes the models of a folder into the configuration', async () => {
  const models = path.join(folder.path, 'models');
  await mkdir(models);
  await writeFile(path.join(models, 'Tiny-Q4_K_M.gguf'), weights);
  await writeFile(path.join(models, 'damaged.gguf'), weights.subarray(0, 100));
  const env = cliEnv(folder, { XDG_CONFIG_HOME: path.join(folder.path, 'config') });
  const inFolder = (...args: string[]): ReturnType<typeof runCli> =>
    runCli([...args, '--data-dir', path.join(folder.path, 'data')], env);

  expect(await inFolder('import', path.join(folder.path, 'none'))).toMatchObject({ exitCode: 1 });
  expect(await inFolder('import', path.join(models, 'damaged.gguf'))).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('damaged.gguf') as string,
  });
  const imported = await inFolder('import', models);
  expect(imported).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('was left out') as string });
  expect(imported.stdout).toContain('1 model was added');
  const written = await readFile(path.join(folder.path, 'config/corral/config.yaml'), 'utf8');
  expect(parse(written)).toEqual({ models: { 'tiny-q4_k_m': { file: path.join(models, 'Tiny-Q4_K_M.gguf') } } });
  // What is there is not added again.
  expect(JSON.parse((await inFolder('import', models, '--json')).stdout)).toMatchObject({ imported: [] });
});
