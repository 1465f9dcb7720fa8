import { describe, expect, it } from 'vitest';
import { maskSecrets } from '../../../electron/engine/supervisor/mask-secrets.ts';

describe('maskSecrets', () => {
  it.each([
    [
      ['serve', '--api-key', 'abc'],
      ['serve', '--api-key', '***'],
    ],
    [
      ['serve', '--api-key=abc', 'x'],
      ['serve', '--api-key=***', 'x'],
    ],
    [
      ['serve', '-hft', 'abc'],
      ['serve', '-hft', '***'],
    ],
    [
      ['env', 'HF_TOKEN=abc', 'serve'],
      ['env', 'HF_TOKEN=***', 'serve'],
    ],
    [
      ['serve', '--admin-password', 'abc'],
      ['serve', '--admin-password', '***'],
    ],
    [
      ['serve', '--api-key', '--port', '1'],
      ['serve', '--api-key', '--port', '1'],
    ],
    [
      ['serve', '--max-tokens', '5', '--api-key-file', 'f'],
      ['serve', '--max-tokens', '5', '--api-key-file', 'f'],
    ],
    [
      ['--model', 'key'],
      ['--model', 'key'],
    ],
  ])('%j', (words, masked) => {
    expect(maskSecrets(words)).toEqual(masked);
  });
});
