import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRestart } from '../../../electron/engine/supervisor/restart-policy.ts';

const minuteMs = 60_000;

describe('S4 a restart after a failure', () => {
  it.each([
    { name: 'the first', failures: [1000], untilMs: 1250 },
    { name: 'the second', failures: [1000, 2000], untilMs: 3000 },
    { name: 'the third', failures: [1000, 2000, 3000], untilMs: 6000 },
    { name: 'the fourth', failures: [1000, 2000, 3000, 4000], untilMs: 13_000 },
    { name: 'the first in a long time', failures: [0, 1, 2, 3, 10 * minuteMs], untilMs: 10 * minuteMs + 250 },
    { name: 'one exactly five minutes after another', failures: [0, 5 * minuteMs], untilMs: 5 * minuteMs + 250 },
    { name: 'one just within five minutes of another', failures: [1, 5 * minuteMs], untilMs: 5 * minuteMs + 1000 },
  ])('waits: $name', ({ failures, untilMs }) => {
    expect(decideRestart(failures)).toEqual({ kind: 'wait', untilMs });
  });

  it.each([
    { name: 'five at once', failures: [1, 2, 3, 4, 5] },
    { name: 'five, one every 30 s', failures: [0, 30_000, 60_000, 90_000, 120_000] },
    { name: 'five of many', failures: [-9e6, -8e6, 1, 2, 3, 4, 5] },
  ])('does not come: $name', ({ failures }) => {
    expect(decideRestart(failures)).toMatchObject({ kind: 'give-up' });
  });

  it('allows at most five starts in any five minutes, however long each takes to fail', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400_000), { minLength: 1, maxLength: 40 }), (runsMs) => {
        const startsMs: number[] = [];
        const failuresMs: number[] = [];
        let atMs = 0;
        for (const runMs of runsMs) {
          startsMs.push(atMs);
          failuresMs.push(atMs + runMs);
          const decision = decideRestart(failuresMs);
          if (decision.kind === 'give-up') break;
          expect(decision.untilMs).toBeGreaterThan(atMs + runMs);
          atMs = decision.untilMs;
        }
        for (const startMs of startsMs) {
          expect(
            startsMs.filter((each) => each >= startMs && each < startMs + 5 * minuteMs).length,
          ).toBeLessThanOrEqual(5);
        }
      }),
    );
  });
});
