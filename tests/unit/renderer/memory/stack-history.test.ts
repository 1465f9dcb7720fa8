import { describe, expect, it } from 'vitest';
import {
  pickRows,
  sampleOf,
  stackHistory,
  windowStart,
  withLatest,
  type MemorySample,
} from '../../../../renderer/features/memory/stack-history.ts';

const sample = (at: number, models: Record<string, number>, others = 0, device = 'CUDA0'): MemorySample => ({
  at,
  devices: { [device]: { usedByOthersBytes: others, models } },
});
const options = { from: 0, intervalMs: 1000, known: ['a', 'b'] };

describe('stackHistory', () => {
  it('puts each owner on top of those below, others last', () => {
    const stacked = stackHistory([sample(1000, { a: 10, b: 5 }, 3), sample(2000, { b: 5 }, 4)], 'CUDA0', options);
    expect(stacked.times).toEqual([1, 2]);
    expect(stacked.owners).toEqual(['a', 'b']);
    expect(stacked.held).toEqual([
      [10, 0],
      [5, 5],
      [3, 4],
    ]);
    expect(stacked.tops).toEqual([
      [10, 0],
      [15, 5],
      [18, 9],
    ]);
  });

  it('keeps the order of the known, and shows models that are no longer configured after them', () => {
    const { owners } = stackHistory([sample(1000, { gone: 1, b: 1, a: 1 })], 'CUDA0', options);
    expect(owners).toEqual(['a', 'b', 'gone']);
  });

  it('has no series for a model that held nothing', () => {
    expect(stackHistory([sample(1000, { a: 0, b: 1 })], 'CUDA0', options).owners).toEqual(['b']);
  });

  it('leaves a gap a gap: a null between two samples that are too far apart', () => {
    const { times, tops } = stackHistory([sample(1000, { a: 1 }), sample(9000, { a: 2 })], 'CUDA0', options);
    expect(times).toEqual([1, 2, 9]);
    expect(tops[0]).toEqual([1, null, 2]);
    expect(tops[1]).toEqual([1, null, 2]);
  });

  it('does not take a late sample for a gap', () => {
    expect(stackHistory([sample(1000, { a: 1 }), sample(3400, { a: 2 })], 'CUDA0', options).times).toEqual([1, 3.4]);
  });

  it('knows nothing of a device that was not there', () => {
    const { tops } = stackHistory([sample(1000, { a: 1 }, 1, 'CUDA1'), sample(2000, { a: 1 })], 'CUDA0', options);
    expect(tops).toEqual([
      [null, 1],
      [null, 1],
    ]);
  });

  it('leaves out what is older than the window', () => {
    const { times } = stackHistory([sample(1000, { a: 1 }), sample(2000, { a: 1 })], 'CUDA0', {
      ...options,
      from: 1500,
    });
    expect(times).toEqual([2]);
  });
});

describe('withLatest', () => {
  it('ends with what is true now', () => {
    const now = sampleOf(
      {
        isGameMode: false,
        devices: [
          {
            id: 'CUDA0',
            name: 'GPU',
            kind: 'gpu',
            totalBytes: 100,
            freeBytes: 50,
            budgetBytes: 90,
            usedByOthersBytes: 7,
            models: [{ model: 'a', bytes: 43 }],
            isStale: false,
            problem: null,
          },
        ],
      },
      3000,
    );
    expect(withLatest([sample(1000, {})], now)).toEqual([sample(1000, {}), sample(3000, { a: 43 }, 7)]);
  });

  it('never goes back in time where the window’s clock is behind', () => {
    const samples = [sample(1000, {}), sample(5000, { a: 1 })];
    expect(withLatest(samples, sample(2000, { a: 2 }))).toEqual([sample(1000, {}), sample(5000, { a: 2 })]);
  });
});

describe('pickRows', () => {
  it('takes the newest first, and then one in so many', () => {
    expect(pickRows([0, 10, 20, 30, 40], 20_000)).toEqual([4, 2, 0]);
    expect(pickRows([], 20_000)).toEqual([]);
  });
});

describe('windowStart', () => {
  const minute = 60_000;
  it.each([
    { name: 'an hour before, where there is as much', first: -90 * minute, start: -60 * minute },
    { name: 'the first sample, where there is less', first: -20 * minute, start: -20 * minute },
    { name: 'five minutes before, however little there is', first: -minute, start: -5 * minute },
  ])('is $name', ({ first, start }) => {
    expect(windowStart([sample(first, {}), sample(0, {})], 0)).toBe(start);
  });
});
