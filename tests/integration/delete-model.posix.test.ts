import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '#shared/contract/errors.ts';
import { defaultCommit, sha256, startHuggingFaceOrigin, type HuggingFaceOrigin } from '../fakes/hugging-face-origin.ts';
import { createTestFolder, eventually, startCorral, type TestCorral, type TestFolder } from './support/corral.ts';

/** What Corral downloaded goes when it is told to, and nothing else does, whoever else uses the cache. */

const bytesOf = (fill: number): Buffer => Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(5000, fill)]);
const [weights, others, projector] = [bytesOf(1), bytesOf(2), bytesOf(3)] as const;
const later = 'beef'.padEnd(40, '0');

let folder: TestFolder;
let corral: TestCorral;
let hub: HuggingFaceOrigin;

beforeEach(async () => {
  folder = await createTestFolder();
  hub = await startHuggingFaceOrigin();
});

afterEach(async () => {
  await corral.stop();
  await hub.close();
});

async function start(config: Record<string, unknown> = {}, env: Record<string, string> = {}): Promise<void> {
  const catalog = { huggingFace: { origin: hub.url }, ...(config['catalog'] as object | undefined) };
  corral = await startCorral({ engine: { autoInstall: false }, ...config, catalog }, { folder, env });
}

function serve(files: Readonly<Record<string, Uint8Array>>, commit = defaultCommit): void {
  hub.repos.set('user/repo', { files, commit });
}

/** Pulls, and waits until it is listed. */
async function pull(source: string): Promise<void> {
  const { download } = await corral.bridge.call('pull-model', { source });
  await eventually('it is downloaded', () =>
    corral.engine.downloads.list().some(({ id, state }) => id === download.id && state === 'finished'),
  );
  await corral.bridge.call('rescan-catalog', {});
}

const cache = (...below: string[]): string => path.join(folder.path, 'huggingface/hub', ...below);
const repository = (...below: string[]): string => cache('models--user--repo', ...below);
const snapshot = (name: string, commit = defaultCommit): string => repository('snapshots', commit, name);
const blob = (bytes: Uint8Array): string => repository('blobs', sha256(bytes));

function listed(): string[] {
  return corral.engine
    .snapshot()
    .models.map(({ id }) => id)
    .sort();
}

async function remove(model: string): Promise<{ files: string[]; freedBytes: number }> {
  return (await corral.bridge.call('delete-model', { model })).deleted;
}

async function refused(model: string): Promise<string> {
  const thrown: unknown = await remove(model).then(
    () => new Error('It was deleted.'),
    (error: unknown) => error,
  );
  expect(thrown).toMatchObject({ code: 'conflict' });
  return (thrown as AppError).message;
}

/** As another program's `hf download` does it. */
async function putInCache(name: string, bytes: Uint8Array, commit = defaultCommit): Promise<void> {
  await mkdir(repository('blobs'), { recursive: true });
  await mkdir(repository('snapshots', commit), { recursive: true });
  await mkdir(repository('refs'), { recursive: true });
  if (!existsSync(blob(bytes))) await writeFile(blob(bytes), bytes);
  await symlink(path.relative(repository('snapshots', commit), blob(bytes)), snapshot(name, commit));
  await writeFile(repository('refs/main'), commit);
}

describe('a model that Corral downloaded is deleted', () => {
  it('by any of its names, with its folders, its place in the lists and its download', async () => {
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await start();
    for (const name of ['tiny-q4_k_m', 'user/repo:Q4_K_M', 'hf.co/user/repo:Q4_K_M', 'tiny-q4_k_m:latest']) {
      await pull('user/repo');
      expect(listed()).toEqual(['tiny-q4_k_m']);
      const { models } = await corral.bridge.call('read-catalog', {});
      expect(models).toMatchObject([{ id: 'tiny-q4_k_m', canDelete: true }]);
      expect(await remove(name)).toEqual({
        model: 'tiny-q4_k_m',
        files: [snapshot('Tiny-Q4_K_M.gguf')],
        freedBytes: weights.length,
      });
      expect(listed()).toEqual(['corral-demo']);
      expect(await readdir(cache())).toEqual([]);
      expect(corral.engine.downloads.list()).toEqual([]);
    }
    await expect(remove('tiny-q4_k_m')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('after a restart, too', async () => {
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await start();
    await pull('user/repo');
    await corral.engine.stop();
    await start();
    await corral.bridge.call('rescan-catalog', {});
    await remove('tiny-q4_k_m');
    expect(existsSync(repository())).toBe(false);
  });

  it('with all its parts, and with its projector once no other model needs that', async () => {
    const parts = { 'V-Q4_K_M-00001-of-00002.gguf': weights, 'V-Q4_K_M-00002-of-00002.gguf': others };
    const small = bytesOf(4);
    serve({ ...parts, 'V-Q8_0.gguf': small, 'mmproj-V-F16.gguf': projector });
    await start();
    await pull('user/repo:Q4_K_M');
    await pull('user/repo:Q8_0');
    expect(listed()).toEqual(['v-q4_k_m', 'v-q8_0']);
    expect((await remove('v-q4_k_m')).freedBytes).toBe(weights.length + others.length);
    expect((await readdir(repository('blobs'))).sort()).toEqual([small, projector].map(sha256).sort());
    expect(listed()).toEqual(['v-q8_0']);
    expect((await remove('v-q8_0')).freedBytes).toBe(small.length + projector.length);
    expect(existsSync(repository())).toBe(false);
  });

  it('with what was downloaded under its name before', async () => {
    await start();
    serve({ 'Tiny-Q4_K_M.gguf': others });
    await pull('user/repo');
    serve({ 'Tiny-Q4_K_M.gguf': weights }, later);
    await pull('user/repo');
    expect((await remove('tiny-q4_k_m')).freedBytes).toBe(weights.length + others.length);
    expect(existsSync(repository())).toBe(false);
  });

  it('while content stays that a snapshot of another program refers to, and so do its files', async () => {
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await start();
    await pull('user/repo');
    await mkdir(repository('snapshots', later));
    await symlink(path.relative(repository('snapshots', later), blob(weights)), snapshot('same.gguf', later));
    await writeFile(snapshot('README.md'), 'not ours');
    expect(await remove('tiny-q4_k_m')).toMatchObject({ freedBytes: 0 });
    expect(existsSync(snapshot('Tiny-Q4_K_M.gguf'))).toBe(false);
    expect(await readFile(snapshot('same.gguf', later))).toEqual(weights);
    expect(await readFile(snapshot('README.md'), 'utf8')).toBe('not ours');
  });
});

describe('what Corral did not download stays, and the refusal says what it is and where', () => {
  it('models of the configuration, its own downloads included, and the demo', async () => {
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await folder.write('mine.gguf', weights);
    await start({
      models: {
        mine: { file: path.join(folder.path, 'mine.gguf') },
        pulled: { file: snapshot('Tiny-Q4_K_M.gguf') },
        run: { command: 'server --port ${PORT}' },
      },
    });
    await pull('user/repo');
    expect(await refused('mine')).toContain(`its file ${path.join(folder.path, 'mine.gguf')} is your own`);
    expect(await refused('run')).toContain('it is a command in the configuration');
    expect(await refused('pulled')).toMatch(/Take it out of `models` there; then it can be deleted\.$/);
    expect(existsSync(snapshot('Tiny-Q4_K_M.gguf'))).toBe(true);
    const { models } = await corral.bridge.call('read-catalog', {});
    expect(models.map(({ canDelete }) => canDelete)).toEqual([false, false]);
    await corral.engine.stop();
    await rm(repository(), { recursive: true });
    await start();
    expect(await refused('corral-demo')).toContain('it is the demo');
  });

  it('models in folders and in the stores of other programs', async () => {
    const put = async (name: string): Promise<string> => {
      const file = path.join(folder.path, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, weights);
      return file;
    };
    const files = {
      'own-q4_k_m': await put('models/Own-Q4_K_M.gguf'),
      'lm-q4_k_m': await put('.lmstudio/models/pub/repo/Lm-Q4_K_M.gguf'),
      'llama3.2-latest': await put(`ollama/blobs/sha256-${sha256(weights)}`),
    };
    const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${sha256(weights)}` }];
    const manifest = path.join(folder.path, 'ollama/manifests/registry.ollama.ai/library/llama3.2/latest');
    await mkdir(path.dirname(manifest), { recursive: true });
    await writeFile(manifest, JSON.stringify({ layers }));
    await start(
      { catalog: { ollama: true, lmStudio: true, folders: [path.join(folder.path, 'models')] } },
      { HOME: folder.path, OLLAMA_MODELS: path.join(folder.path, 'ollama') },
    );
    await corral.bridge.call('rescan-catalog', {});
    for (const [id, file] of Object.entries(files)) {
      expect(await refused(id)).toContain(file);
      expect(existsSync(file)).toBe(true);
    }
    expect(await refused('llama3.2')).toContain('`ollama rm`');
  });

  it('what another program put into the same cache, before or after', async () => {
    await putInCache('Tiny-Q4_K_M.gguf', weights);
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await start();
    // Nothing is fetched: all of it is there.
    await pull('user/repo');
    expect(await refused('tiny-q4_k_m')).toMatch(/another program put .*Tiny-Q4_K_M\.gguf into Hugging Face's cache/);

    await rm(repository(), { recursive: true });
    await pull('user/repo');
    // Fetched by Corral, deleted and fetched again by somebody else.
    await rm(repository(), { recursive: true });
    await putInCache('Tiny-Q4_K_M.gguf', weights);
    await corral.bridge.call('rescan-catalog', {});
    await refused('tiny-q4_k_m');
    expect(await readFile(snapshot('Tiny-Q4_K_M.gguf'))).toEqual(weights);
  });

  it('a projector that somebody else put there, beside a model of ours', async () => {
    await putInCache('mmproj-V-F16.gguf', projector);
    serve({ 'V-Q4_K_M.gguf': weights, 'mmproj-V-F16.gguf': projector });
    await start();
    await pull('user/repo');
    expect(await remove('v-q4_k_m')).toMatchObject({ files: [snapshot('V-Q4_K_M.gguf')], freedBytes: weights.length });
    expect(await readFile(snapshot('mmproj-V-F16.gguf'))).toEqual(projector);
  });

  it('what a configured model needs', async () => {
    serve({ 'V-Q4_K_M.gguf': weights, 'mmproj-V-F16.gguf': projector });
    const mine = await folder.write('mine.gguf', weights);
    const [draft, mmproj] = [snapshot('V-Q4_K_M.gguf'), snapshot('mmproj-V-F16.gguf')];
    await start({ models: { mine: { file: mine, args: ['--model-draft', draft] }, seeing: { file: mine, mmproj } } });
    await pull('user/repo');
    expect(await refused('v-q4_k_m')).toBe(`The model "mine" uses ${draft}. Take it out of there first.`);
    await corral.engine.stop();
    await start({ models: { seeing: { file: mine, mmproj } } });
    await corral.bridge.call('rescan-catalog', {});
    expect(await remove('v-q4_k_m')).toMatchObject({ files: [draft] });
    expect(await readFile(mmproj)).toEqual(projector);
  });

  it('what is being downloaded again', async () => {
    serve({ 'Tiny-Q4_K_M-00001-of-00002.gguf': weights, 'Tiny-Q4_K_M-00002-of-00002.gguf': others });
    await start();
    await pull('user/repo');
    serve(
      { 'Tiny-Q4_K_M-00001-of-00002.gguf': weights, 'Tiny-Q4_K_M-00002-of-00002.gguf': Buffer.alloc(200_000, 9) },
      later,
    );
    hub.faults = ({ host }) => (host === 'files' ? { delayMs: 60_000 } : {});
    const { download } = await corral.bridge.call('pull-model', { source: 'user/repo' });
    await eventually('it runs', () => corral.engine.downloads.list().some(({ state }) => state === 'downloading'));
    expect(await refused('tiny-q4_k_m')).toContain('is being downloaded again from user/repo');
    await corral.bridge.call('cancel-download', { download: download.id });
    await remove('tiny-q4_k_m');
    expect(existsSync(blob(weights))).toBe(false);
  });

  it('what a link leads to that somebody put in the way', async () => {
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await start();
    await pull('user/repo');
    const outside = path.join(folder.path, 'outside');
    await rename(repository(), outside);
    await symlink(outside, repository());
    await corral.bridge.call('rescan-catalog', {});
    expect(listed()).toEqual(['tiny-q4_k_m']);
    await refused('tiny-q4_k_m');
    expect(await readFile(path.join(outside, 'blobs', sha256(weights)))).toEqual(weights);

    // A single folder on the way, or the file itself.
    await rm(repository());
    await rename(outside, repository());
    await rename(repository('blobs'), outside);
    await symlink(outside, repository('blobs'));
    await refused('tiny-q4_k_m');
    await rm(repository('blobs'));
    await rename(outside, repository('blobs'));
    await rename(blob(weights), outside);
    await symlink(outside, blob(weights));
    await refused('tiny-q4_k_m');
    await rm(blob(weights));
    await rename(outside, blob(weights));
    const letter = await folder.write('letter.gguf', weights);
    await rm(snapshot('Tiny-Q4_K_M.gguf'));
    await symlink(letter, snapshot('Tiny-Q4_K_M.gguf'));
    await refused('tiny-q4_k_m');
    expect((await stat(letter)).size).toBe(weights.length);
    expect(existsSync(blob(weights))).toBe(true);
  });

  it('everything, if what was downloaded cannot be read', async () => {
    serve({ 'Tiny-Q4_K_M.gguf': weights });
    await start();
    await pull('user/repo');
    const record = path.join(folder.path, 'data/pulled-models.json');
    const written = await readFile(record, 'utf8');
    // Names that would lead out are as bad as no JSON.
    for (const bad of ['{', written.replaceAll('Tiny-Q4_K_M.gguf', '../../../../letter.gguf')]) {
      await writeFile(record, bad);
      await refused('tiny-q4_k_m');
      expect(await readFile(`${record}.corrupt`, 'utf8')).toBe(bad);
    }
    expect(corral.logLines.join('\n')).toContain('it was set aside, and those models are kept');
    expect(await readFile(snapshot('Tiny-Q4_K_M.gguf'))).toEqual(weights);
  });
});
