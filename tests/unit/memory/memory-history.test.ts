import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryView } from '#shared/contract/memory.ts';
import { createMemoryHistory } from '../../../electron/engine/memory/memory-history.ts';

const GIB = 2 ** 30;
const HOUR_MS = 3_600_000;

function memory(usedByOthersBytes: number, held: Record<string, number> = {}): MemoryView {
  const models = Object.entries(held).map(([model, bytes]) => ({ model, bytes }));
  return {
    isGameMode: false,
    devices: [
      {
        id: 'CUDA0',
        name: 'a GPU',
        kind: 'gpu',
        totalBytes: 24 * GIB,
        freeBytes: 20 * GIB,
        budgetBytes: 23 * GIB,
        usedByOthersBytes,
        models,
        isStale: false,
        problem: null,
      },
    ],
  };
}

describe('the history of memory', () => {
  it('tells who held how much when, oldest first', () => {
    const history = createMemoryHistory();
    history.note(memory(1), 30_000);
    history.note(memory(2, { a: GIB }), 45_000);
    expect(history.read(46_000)).toEqual({
      intervalMs: 15_000,
      samples: [
        { at: 30_000, devices: { CUDA0: { usedByOthersBytes: 1, models: {} } } },
        { at: 45_000, devices: { CUDA0: { usedByOthersBytes: 2, models: { a: GIB } } } },
      ],
    });
  });

  it('keeps the last of an interval, and nothing before the first reading', () => {
    const history = createMemoryHistory();
    history.note({ devices: [], isGameMode: false }, 9000);
    for (let at = 30_000; at < 45_000; at += 100) history.note(memory(at), at);
    expect(history.read(45_000).samples).toMatchObject([
      { at: 44_900, devices: { CUDA0: { usedByOthersBytes: 44_900 } } },
    ]);
  });

  it('leaves a gap where nobody looked', () => {
    const history = createMemoryHistory();
    for (const at of [0, 15_000, 75_000]) history.note(memory(1), at);
    expect(history.read(75_000).samples.map(({ at }) => at)).toEqual([0, 15_000, 75_000]);
  });

  it('forgets what is older than an hour, also if nothing was noted since', () => {
    const history = createMemoryHistory();
    history.note(memory(1), 5000);
    history.note(memory(2), HOUR_MS);
    expect(history.read(HOUR_MS + 5000).samples.map(({ at }) => at)).toEqual([HOUR_MS]);
    expect(history.read(2 * HOUR_MS).samples).toEqual([]);
  });

  it('drops what lies in the future once the clock was set back', () => {
    const history = createMemoryHistory();
    history.note(memory(1), 10 * HOUR_MS);
    history.note(memory(2), 5000);
    expect(history.read(6000).samples.map(({ at }) => at)).toEqual([5000]);
  });

  it('stays within 241 samples in the order of time, however it is fed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 2000 }), (steps) => {
        const history = createMemoryHistory();
        let at = 0;
        for (const step of steps) {
          at += step;
          history.note(memory(at), at);
        }
        const { samples } = history.read(at);
        expect(samples.length).toBeLessThanOrEqual(241);
        expect(samples.length).toBeGreaterThan(steps.length === 0 ? -1 : 0);
        expect(samples.map((sample) => sample.at)).toEqual(samples.map((sample) => sample.at).sort((a, b) => a - b));
      }),
      { numRuns: 30 },
    );
  });
});
