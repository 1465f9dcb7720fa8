import { describe, expect, it } from 'vitest';
import { decideRecovery } from '../../../electron/shell/decide-recovery.ts';

describe('decideRecovery', () => {
  it('waits longer each time and gives up at last', () => {
    const failedAtMs: number[] = [];
    const delays: number[] = [];
    for (let nowMs = 1000; ; nowMs += 1000) {
      failedAtMs.push(nowMs);
      const decision = decideRecovery(failedAtMs, nowMs);
      if (decision.kind === 'give-up') break;
      delays.push(decision.delayMs);
    }
    expect(delays.length).toBeGreaterThanOrEqual(3);
    expect(delays).toEqual([...delays].sort((one, other) => one - other));
    expect(new Set(delays).size).toBe(delays.length);
  });

  it('forgets failures of long ago', () => {
    const first = decideRecovery([1000], 1000);
    const hourMs = 3_600_000;
    expect(decideRecovery([1000, 2000, 3000, 4000, 5000, hourMs], hourMs)).toEqual(first);
  });
});
