import { describe, expect, it } from 'vitest';
import {
  findModels,
  idOf,
  nameModels,
  type FoundFile,
  type FoundModel,
} from '../../../electron/engine/catalog/found-model.ts';

function files(...paths: string[]): FoundFile[] {
  return paths.map((path) => {
    const end = path.lastIndexOf('/');
    return { path, realPath: path, folder: path.slice(0, end), name: path.slice(end + 1) };
  });
}

function pairs(...paths: string[]): (string | undefined)[][] {
  return findModels(files(...paths), 'folder').map(({ file, mmproj }) => [file, mmproj]);
}

describe('findModels', () => {
  it('takes split files as one, and none that lacks a part', () => {
    expect(pairs('/m/a-00001-of-00002.gguf', '/m/a-00002-of-00002.gguf', '/m/b-00001-of-00002.gguf')).toEqual([
      ['/m/a-00001-of-00002.gguf', undefined],
    ]);
  });

  it('pairs projectors by folder, bf16 before f16 before f32', () => {
    const projectors = ['/m/mmproj-F32.gguf', '/m/mmproj-F16.gguf', '/m/mmproj-BF16.gguf'];
    for (let count = 3; count > 0; count -= 1) {
      const some = projectors.slice(0, count);
      expect(pairs('/m/v-Q4_K_M.gguf', '/m/v-Q8_0.gguf', ...some)).toEqual([
        ['/m/v-Q4_K_M.gguf', some.at(-1)],
        ['/m/v-Q8_0.gguf', some.at(-1)],
      ]);
    }
    expect(pairs('/m/v-Q4_K_M.gguf', '/other/mmproj-F16.gguf')).toEqual([['/m/v-Q4_K_M.gguf', undefined]]);
  });

  it('goes by the names in a folder with several families', () => {
    expect(
      pairs('/m/gemma-3-Q4_K_M.gguf', '/m/llama-Q8_0.gguf', '/m/mmproj-gemma-3-f16.gguf', '/m/mmproj-f16.gguf'),
    ).toEqual([
      ['/m/gemma-3-Q4_K_M.gguf', '/m/mmproj-gemma-3-f16.gguf'],
      ['/m/llama-Q8_0.gguf', undefined],
    ]);
  });

  it('leaves importance matrices out', () => {
    expect(pairs('/m/imatrix.gguf', '/m/a.gguf')).toEqual([['/m/a.gguf', undefined]]);
  });
});

describe('idOf', () => {
  it.each([
    ['Qwen3-8B-Q4_K_M.gguf', 'qwen3-8b-q4_k_m'],
    ['My Model (v2).GGUF', 'my-model-v2'],
    ['a-00001-of-00002.gguf', 'a'],
    ['\u001b[2J.gguf', '2j'],
    ['...gguf', 'model'],
  ])('%j is %s', (name, id) => {
    expect(idOf(name)).toBe(id);
  });
});

describe('nameModels', () => {
  const model = (file: string, name: string, aliases: string[] = []): FoundModel => ({
    name,
    aliases,
    file,
    realPath: file,
    mmproj: undefined,
    origin: 'folder',
  });
  const ids = (models: FoundModel[], taken: string[] = [], earlier: [string, string][] = []): string[] =>
    nameModels(models, new Set(taken), new Map(earlier), (text) => `#${text}`).map(({ id }) => id);

  it('gives each an id of its own, and leaves those of the configuration alone', () => {
    expect(ids([model('/a/x', 'x'), model('/b/x', 'x'), model('/b/y', 'y')], ['y'])).toEqual([
      'x',
      'x-#/b/x',
      'y-#/b/y',
    ]);
  });

  it('keeps the id that a file had', () => {
    expect(ids([model('/a/x', 'x'), model('/b/x', 'x')], [], [['/b/x', 'x']])).toEqual(['x-#/a/x', 'x']);
    expect(ids([model('/b/x', 'x')], ['x'], [['/b/x', 'x']])).toEqual(['x-#/b/x']);
  });

  it('gives an alias to the first, and to none that is called so', () => {
    const named = nameModels(
      [model('/a', 'a', ['u/r:Q4', 'b']), model('/b', 'b', ['u/r:Q4'])],
      new Set(),
      new Map(),
      (text) => text,
    );
    expect(named.map(({ aliases }) => aliases)).toEqual([['u/r:Q4'], []]);
  });
});
