import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expectedWaitMs,
  nextMeanMs,
  retryAfterSeconds,
  type WaitedModelFacts,
} from '../../../electron/engine/scheduler/expected-wait.ts';
import type { WaitReason } from '../../../electron/engine/scheduler/view.ts';

const busy: WaitedModelFacts = {
  state: 'ready',
  activeRequests: 2,
  concurrency: 2,
  meanServiceMs: 1000,
  lastLoadMs: 8000,
  inStateMs: 3000,
  startsInMs: 0,
};

describe('the expected wait', () => {
  const cases: readonly [string, Partial<WaitedModelFacts>, WaitReason, place: number, expected: number | null][] = [
    ['of the next for one of two slots is half a service', {}, 'slot', 1, 500],
    ['grows with the place', {}, 'slot', 5, 2500],
    ['is a whole service for one slot', { activeRequests: 1, concurrency: 1 }, 'slot', 1, 1000],
    ['is nothing where a slot is free', { activeRequests: 1 }, 'slot', 1, 0],
    ['counts the slots that are free', { activeRequests: 1 }, 'slot', 3, 1000],
    ['is unknown before a request was served', { meanServiceMs: null }, 'slot', 1, null],
    ['needs no service time where a slot is free', { activeRequests: 0, meanServiceMs: null }, 'slot', 2, 0],
    ['is unknown behind a limit of the lane', {}, 'lane', 1, null],
    ['is unknown where a ready model yields its room', {}, 'room', 1, null],
    ['is what is left of the load', { state: 'loading', activeRequests: 0 }, 'load', 2, 5000],
    ['adds the turns behind the load', { state: 'loading', activeRequests: 0 }, 'load', 3, 5500],
    ['is unknown in a first load', { state: 'loading', activeRequests: 0, lastLoadMs: null }, 'load', 1, null],
    ['is unknown once a load is late', { state: 'loading', activeRequests: 0, inStateMs: 8001 }, 'load', 1, null],
    ['survives a clock that was set back', { state: 'loading', activeRequests: 0, inStateMs: -500 }, 'load', 1, 8000],
    ['is a whole load before the process is spawned', { state: 'starting', activeRequests: 0 }, 'load', 1, 8000],
    ['is a whole load of one that is off', { state: 'off', activeRequests: 0 }, 'load', 1, 8000],
    ['is unknown while room is wanted', { state: 'off', activeRequests: 0 }, 'room', 1, null],
    [
      'adds the delay before a restart',
      { state: 'crashed', activeRequests: 0, startsInMs: 700 },
      'restart-delay',
      1,
      8700,
    ],
    ['is unknown while it is ejected', { state: 'stopping', activeRequests: 0 }, 'eject', 1, null],
    ['is unknown of one that was given up', { state: 'failed', activeRequests: 0 }, 'slot', 1, null],
  ];

  it.each(cases)('%s', (_what, changes, waitsFor, place, expected) => {
    expect(expectedWaitMs({ ...busy, ...changes }, waitsFor, place)).toBe(expected);
  });

  it('never shrinks further back in line, and is a whole number', () => {
    const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
    const facts = fc.record({ active: fc.nat(8), concurrency: fc.integer({ min: 1, max: 8 }), mean: positive });
    fc.assert(
      fc.property(facts, fc.integer({ min: 1, max: 50 }), ({ active, concurrency, mean }, place) => {
        const model = { ...busy, activeRequests: active, concurrency, meanServiceMs: mean };
        const [here, behind] = [expectedWaitMs(model, 'slot', place), expectedWaitMs(model, 'slot', place + 1)];
        expect(here).not.toBeNull();
        expect(Number.isInteger(here)).toBe(true);
        expect(behind ?? -1).toBeGreaterThanOrEqual(here ?? 0);
      }),
    );
  });
});

describe('the mean service time', () => {
  it('begins with the first, and follows what comes', () => {
    expect(nextMeanMs(null, 1000)).toBe(1000);
    expect(nextMeanMs(1000, 2000)).toBe(1200);
    let meanMs: number | null = 1000;
    for (let count = 0; count < 20; count += 1) meanMs = nextMeanMs(meanMs, 5000);
    expect(meanMs).toBeGreaterThan(4900);
    expect(meanMs).toBeLessThan(5000);
  });
});

describe('Retry-After', () => {
  it.each([
    [null, 2],
    [0, 1],
    [400, 1],
    [1000, 1],
    [1001, 2],
    [14_200, 15],
    [3_600_000, 60],
  ])('of an expected wait of %j ms is %i s', (expectedMs, seconds) => {
    expect(retryAfterSeconds(expectedMs)).toBe(seconds);
  });
});
