import { describe, expect, it } from 'vitest';
import { parseKeepAlive } from '../../../electron/engine/ollama/keep-alive.ts';

describe('parseKeepAlive', () => {
  it.each<[unknown, number | undefined]>([
    [undefined, undefined],
    [null, undefined],
    ['', undefined],
    [0, 0],
    ['0', 0],
    ['0s', 0],
    [300, 300_000],
    [0.5, 500],
    ['300', 300_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['300ms', 300],
    ['1500us', 1.5],
    [-1, Infinity],
    ['-1', Infinity],
    ['-1m', Infinity],
    ['-24h', Infinity],
  ])('reads %j as %d ms', (written, milliseconds) => {
    expect(parseKeepAlive(written)).toBe(milliseconds);
  });

  it.each([['soon'], ['5 minutes'], ['5m!'], ['m'], [true], [{}], ['1h30']])('refuses %j', (written) => {
    expect(() => parseKeepAlive(written)).toThrow(
      expect.objectContaining({ code: 'invalid-request', message: expect.stringContaining('keep_alive') as string }),
    );
  });
});
