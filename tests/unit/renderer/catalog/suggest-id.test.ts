import { describe, expect, it } from 'vitest';
import { parametersOf, splitPath, suggestId } from '../../../../renderer/features/catalog/suggest-id.ts';

describe('suggestId', () => {
  it.each([
    ['/models/Qwen3-8B-Q4_K_M.gguf', 'qwen3-8b'],
    ['C:\\models\\Mistral-7B-Instruct-v0.3.Q4_K_M.gguf', 'mistral-7b-instruct-v0.3'],
    ['/models/Meta-Llama-3-70B-Instruct-IQ4_XS.gguf', 'meta-llama-3-70b-instruct'],
    ['/models/Qwen3-30B-A3B-UD-Q4_K_XL.gguf', 'qwen3-30b-a3b'],
    ['/models/nomic-embed-text-v1.5.f16.gguf', 'nomic-embed-text-v1.5'],
    ['/models/gpt-oss-20b-mxfp4.GGUF', 'gpt-oss-20b'],
    ['/models/big-Q8_0-00001-of-00003.gguf', 'big'],
    ['/models/My model (final).gguf', 'my-model-final'],
    ['Modèle.gguf', 'modèle'],
    ['', ''],
    ['/models/', ''],
    ['/models/.gguf', ''],
  ])('of %s is %s', (path, expected) => {
    expect(suggestId(path, [])).toBe(expected);
  });

  it('is never one that is taken: then the quantization tells them apart, then a number', () => {
    const path = '/models/Qwen3-8B-Q4_K_M.gguf';
    expect(suggestId(path, ['qwen3-8b'])).toBe('qwen3-8b-q4_k_m');
    expect(suggestId(path, ['qwen3-8b', 'qwen3-8b-q4_k_m'])).toBe('qwen3-8b-2');
    expect(suggestId(path, ['qwen3-8b', 'qwen3-8b-q4_k_m', 'qwen3-8b-2'])).toBe('qwen3-8b-3');
  });
});

describe('splitPath', () => {
  it.each([
    ['/a/b/c.gguf', '/a/b/', 'c.gguf'],
    ['C:\\a\\c.gguf', 'C:\\a\\', 'c.gguf'],
    ['c.gguf', '', 'c.gguf'],
  ])('%s', (path, folder, name) => {
    expect(splitPath(path)).toEqual({ folder, name });
  });
});

describe('parametersOf', () => {
  it.each([
    ['Qwen3 8B Instruct', '8B'],
    ['qwen3-30b-a3b', '30B-A3B'],
    ['Qwen2.5-0.5B', '0.5B'],
    ['SmolLM-135M', '135M'],
  ])('of %s is %s', (name, expected) => {
    expect(parametersOf(name)).toBe(expected);
  });

  it('is nothing where no name tells it', () => {
    expect(parametersOf('phi-4', null)).toBeUndefined();
    expect(parametersOf('nomic-embed-text-v1.5')).toBeUndefined();
  });

  it('is looked for in each name in turn', () => {
    expect(parametersOf(null, 'phi', 'gemma-27b')).toBe('27B');
  });
});
