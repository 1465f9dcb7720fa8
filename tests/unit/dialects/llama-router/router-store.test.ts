import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newRouterFile } from '../../../../electron/engine/dialects/llama-router/router-file.ts';
import {
  defaultRouterFile,
  ensureRouterFile,
  importFolder,
  rescanRouterFile,
  type RescanOutcome,
} from '../../../../electron/engine/dialects/llama-router/router-store.ts';

let home: string;
let file: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'corral-router-'));
  file = defaultRouterFile(home);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const hub = (): string => path.join(home, '.cache', 'huggingface', 'hub');
const rescan = (): Promise<RescanOutcome> => rescanRouterFile(file, { homeFolder: home, cacheFolders: [hub()] });

async function touch(name: string): Promise<string> {
  const target = path.join(home, name);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, '');
  return target;
}

async function read(): Promise<{ models: { name: string; state: string; path: string }[] }> {
  return JSON.parse(await readFile(file, 'utf8')) as { models: { name: string; state: string; path: string }[] };
}

describe('the first run', () => {
  it('makes the file, with its folders, and leaves one that is there', async () => {
    expect(await ensureRouterFile(file)).toBe(true);
    expect(await read()).toEqual(newRouterFile());
    await writeFile(file, '{"models":[]}');
    expect(await ensureRouterFile(file)).toBe(false);
    expect(await readFile(file, 'utf8')).toBe('{"models":[]}');
  });
});

describe('a rescan', () => {
  it('lets automatic models come, go and come again with their file', async () => {
    await ensureRouterFile(file);
    const model = await touch('.cache/huggingface/hub/models--a--b/snapshots/1/m.gguf');
    expect(await rescan()).toEqual({ added: ['m.gguf'], removed: [] });
    expect((await read()).models).toEqual([{ name: 'm.gguf', path: model, state: 'auto', group: '' }]);
    expect(await rescan(), 'a second time').toEqual({ added: [], removed: [] });
    await rm(model);
    expect(await rescan()).toEqual({ added: [], removed: ['m.gguf'] });
    expect((await read()).models).toEqual([]);
    await writeFile(model, '');
    expect(await rescan()).toEqual({ added: ['m.gguf'], removed: [] });
  });

  it('never takes a manual model, and writes nothing where nothing changes', async () => {
    await mkdir(path.dirname(file), { recursive: true });
    const text = '{ "models": [ {"name":"x","path":"~/gone.gguf","state":"manual"},\n {"name":"y","path":"/gone"} ] }';
    await writeFile(file, text);
    expect(await rescan()).toEqual({ added: [], removed: [] });
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it.each(['models: {}', '[]', '{"models":{}}'])('leaves a file that is none of llama-router: %s', async (text) => {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    if (text !== '[]') await expect(rescan()).rejects.toMatchObject({ code: 'conflict' });
    else await rescan();
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});

describe('an import', () => {
  it('adds what is below a folder as manual, once', async () => {
    await ensureRouterFile(file);
    await touch('models/a.gguf');
    await touch('models/deep/b.gguf');
    const importModels = async (): Promise<readonly string[]> =>
      (await importFolder(file, '~/models', { homeFolder: home })).outcome.added;
    expect(await importModels()).toEqual(['a.gguf', 'b.gguf']);
    expect(await importModels()).toEqual([]);
    expect((await read()).models.map(({ state }) => state)).toEqual(['manual', 'manual']);
  });

  it('says which folder is none', async () => {
    await ensureRouterFile(file);
    await expect(importFolder(file, '~/nothing', { homeFolder: home })).rejects.toMatchObject({ code: 'not-found' });
  });
});
