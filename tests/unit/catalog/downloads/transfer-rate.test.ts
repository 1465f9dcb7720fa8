import { describe, expect, it } from 'vitest';
import { createTransferRate } from '../../../../electron/engine/catalog/downloads/transfer-rate.ts';

describe('createTransferRate', () => {
  it('tells bytes a second over the last seconds', () => {
    const rate = createTransferRate();
    for (let atMs = 0; atMs <= 10_000; atMs += 100) rate.note(atMs * 1000, atMs);
    expect(rate.read(10_000)).toBeCloseTo(1_000_000, -5);
  });

  it('is unknown at first, and again once nothing comes', () => {
    const rate = createTransferRate();
    rate.note(0, 0);
    rate.note(1000, 300);
    expect(rate.read(300)).toBeUndefined();
    expect(rate.read(1000)).toBe(1000);
    expect(rate.read(20_000)).toBeUndefined();
  });

  it('does not count what was there before, nor a file that starts over', () => {
    const rate = createTransferRate();
    rate.note(5_000_000, 0);
    rate.note(5_001_000, 1000);
    expect(rate.read(1000)).toBe(1000);
    rate.note(0, 2000);
    rate.note(4000, 3000);
    expect(rate.read(3000)).toBe(4000);
  });
});
