import { describe, expect, it } from 'vitest';
import { formatPullSource, parsePullSource } from '../../../../electron/engine/catalog/downloads/pull-source.ts';

describe('parsePullSource', () => {
  it.each([
    ['user/repo', {}],
    [' user/repo/ ', {}],
    ['user/repo:Q4_K_M', { quant: 'Q4_K_M' }],
    ['user/repo:latest', {}],
    ['hf.co/user/repo:q8_0', { quant: 'q8_0' }],
    ['https://huggingface.co/user/repo', {}],
    ['https://huggingface.co/user/repo/tree/main', {}],
    ['https://huggingface.co/user/repo/blob/main/a/b.gguf?download=true', { file: 'a/b.gguf' }],
    ['https://mirror.example/user/repo', {}],
    ['user/repo/sub/model.gguf', { file: 'sub/model.gguf' }],
  ])('reads %s', (text, more) => {
    expect(parsePullSource(text, { origin: 'https://mirror.example/' })).toEqual({
      repo: 'user/repo',
      quant: undefined,
      file: undefined,
      ...more,
    });
  });

  it('puts a named file above what the text names', () => {
    const source = parsePullSource('user/repo:Q4_K_M', { file: 'm.gguf' });
    expect(source).toMatchObject({ file: 'm.gguf' });
    expect(formatPullSource(source)).toBe('user/repo/m.gguf');
  });

  it.each([
    '',
    'repo',
    'https://evil.example/user/repo',
    '../x',
    'user/repo/../x.gguf',
    'user/repo:',
    'user/repo:../x',
  ])('refuses %j', (text) => {
    expect(() => parsePullSource(text)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});
