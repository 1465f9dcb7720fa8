import { describe, expect, it } from 'vitest';
import { resolveTagged } from '../../../electron/engine/proxy/find-target.ts';

describe('the names Ollama has for a model', () => {
  const known = new Map([
    ['qwen3', 'a'],
    ['phi:latest', 'b'],
    ['phi', 'c'],
    ['user/repo:Q4_K_M', 'd'],
  ]);
  const find = (asked: string) => resolveTagged(asked, (name) => known.get(name));

  it.each([
    ['qwen3', 'qwen3', 'a'],
    ['qwen3:latest', 'qwen3', 'a'],
    ['phi:latest', 'phi:latest', 'b'],
    ['phi', 'phi', 'c'],
    ['hf.co/user/repo:Q4_K_M', 'user/repo:Q4_K_M', 'd'],
    ['huggingface.co/user/repo:Q4_K_M', 'user/repo:Q4_K_M', 'd'],
  ])('%s is %s', (asked, name, resolved) => {
    expect(find(asked)).toEqual({ name, resolved });
  });

  it.each(['qwen3:8b', 'latest', ':latest', 'hf.co/', 'example.com/user/repo:Q4_K_M'])('%s is none', (asked) => {
    expect(find(asked)).toBeUndefined();
  });
});
