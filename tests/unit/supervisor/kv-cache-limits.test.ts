import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideRemovals,
  restoreBudgetMs,
  saveBudgetMs,
  type SavedSet,
} from '../../../electron/engine/supervisor/kv-cache-limits.ts';

const set = (name: string, sizeBytes: number, savedAtMs: number, isBusy = false): SavedSet => {
  return { name, sizeBytes, savedAtMs, isBusy };
};

describe('what is too much on disk', () => {
  it('goes by its age, and no more than has to', () => {
    const sets = [set('new', 40, 3), set('old', 40, 1), set('middle', 40, 2)];
    expect(decideRemovals(sets, 120)).toEqual([]);
    expect(decideRemovals(sets, 119)).toEqual(['old']);
    expect(decideRemovals(sets, 79)).toEqual(['old', 'middle']);
    expect(decideRemovals(sets, 0)).toEqual(['old', 'middle', 'new']);
  });

  it('begins with what is not complete, and leaves alone what is being saved or restored', () => {
    expect(decideRemovals([set('a', 10, 5), set('part', 10, 0)], 15)).toEqual(['part']);
    expect(decideRemovals([set('a', 10, 1, true), set('b', 10, 2)], 15)).toEqual(['b']);
  });

  it('is gone afterwards, unless it is busy, and nothing goes that is newer than something that stays', () => {
    const sets = fc.array(fc.record({ size: fc.nat(100), at: fc.nat(20), isBusy: fc.boolean() }), { maxLength: 8 });
    fc.assert(
      fc.property(sets, fc.nat(400), (records, maxBytes) => {
        const all = records.map(({ size, at, isBusy }, index) => set(String(index), size, at, isBusy));
        const removed = new Set(decideRemovals(all, maxBytes));
        const kept = all.filter(({ name }) => !removed.has(name));
        const total = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        expect(total <= maxBytes || kept.every(({ isBusy }) => isBusy)).toBe(true);
        const idle = kept.filter(({ isBusy }) => !isBusy);
        for (const gone of all.filter(({ name }) => removed.has(name))) {
          expect(gone.isBusy).toBe(false);
          for (const { savedAtMs } of idle) expect(savedAtMs).toBeGreaterThanOrEqual(gone.savedAtMs);
        }
      }),
    );
  });
});

describe('the time for it', () => {
  it('is half of what a stop may take, and 5 s at most', () => {
    expect([0, 1000, 10_000, 60_000].map(saveBudgetMs)).toEqual([0, 500, 5000, 5000]);
  });

  it('grows with what has to be read', () => {
    expect([0, 1_000_000_000].map(restoreBudgetMs)).toEqual([2000, 12_000]);
  });
});
