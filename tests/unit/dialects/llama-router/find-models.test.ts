import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cacheFolders,
  chooseProjector,
  findModels,
} from '../../../../electron/engine/dialects/llama-router/find-models.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-find-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function touch(...names: string[]): Promise<void> {
  for (const name of names) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '');
  }
}

describe('looking for models', () => {
  it('goes through folders, and pairs projectors by folder', async () => {
    await touch('a.gguf', 'notes.txt', 'deep/er/llava.Q4_K_M.gguf', 'deep/er/mmproj-model-f16.gguf');
    const { models } = await findModels([folder]);
    expect(models).toEqual([
      { name: 'a.gguf', path: path.join(folder, 'a.gguf'), mmproj: undefined },
      {
        name: 'llava.Q4_K_M.gguf',
        path: path.join(folder, 'deep/er/llava.Q4_K_M.gguf'),
        mmproj: path.join(folder, 'deep/er/mmproj-model-f16.gguf'),
      },
    ]);
  });

  it('takes the first of the parts of a model', async () => {
    await touch('big-00001-of-00002.gguf', 'big-00002-of-00002.gguf');
    expect((await findModels([folder])).models.map(({ name }) => name)).toEqual(['big-00001-of-00002.gguf']);
  });

  it('finds nothing where there is nothing', async () => {
    expect(await findModels([path.join(folder, 'missing')])).toEqual({ models: [], unreadable: [] });
  });
});

describe('projectors', () => {
  it.each([
    [['mmproj-F32.gguf', 'mmproj-F16.gguf', 'mmproj-BF16.gguf'], 'mmproj-BF16.gguf'],
    [['mmproj-model-f32.gguf', 'mmproj-model-f16.gguf'], 'mmproj-model-f16.gguf'],
    [['mmproj-q8_0.gguf', 'mmproj-f32.gguf', 'model-f16.gguf'], 'mmproj-f32.gguf'],
    [['mmproj.gguf'], 'mmproj.gguf'],
    [['model-bf16.gguf'], undefined],
  ])('of %j %s is taken', (files, expected) => {
    expect(chooseProjector(files)).toBe(expected);
  });
});

describe('the caches', () => {
  it('are below the home folder, unless the environment says otherwise', () => {
    expect(cacheFolders({}, '/h')).toEqual([path.join('/h/.cache/huggingface/hub'), path.join('/h/.cache/llama.cpp')]);
    expect(cacheFolders({ HF_HOME: '/x', LLAMA_CACHE: '/y' }, '/h')).toEqual([path.join('/x/hub'), '/y']);
    expect(cacheFolders({ HF_HOME: '/x', HF_HUB_CACHE: '/z' }, '/h')[0]).toBe('/z');
  });
});
