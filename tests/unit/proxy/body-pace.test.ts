import { describe, expect, it } from 'vitest';
import { createBodyPace, type PacedBody } from '../../../electron/engine/proxy/body-pace.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

function body(): PacedBody & { isTooSlow: boolean } {
  const paced = {
    receivedBytes: 0,
    seenBytes: 0,
    sinceMs: 0,
    isTooSlow: false,
    onTooSlow: () => {
      paced.isTooSlow = true;
    },
  };
  return paced;
}

describe('the pace of a body', () => {
  it('is too slow below a kilobyte in eight seconds, whenever that is', () => {
    const clock = createFakeClock();
    const pace = createBodyPace(clock);
    const [silent, dribbling, steady, late] = [body(), body(), body(), body()];
    for (const each of [silent, dribbling, steady]) pace.watch(each);
    for (let second = 1; second <= 7; second += 1) {
      clock.advance(1000);
      dribbling.receivedBytes += 1;
      steady.receivedBytes += 200;
    }
    pace.watch(late);
    expect([silent, dribbling, steady, late].map(({ isTooSlow }) => isTooSlow)).toEqual([false, false, false, false]);
    clock.advance(3000);
    steady.receivedBytes += 600;
    expect([silent, dribbling, steady, late].map(({ isTooSlow }) => isTooSlow)).toEqual([true, true, false, false]);
    clock.advance(10_000);
    expect(steady.isTooSlow).toBe(true);
    expect(late.isTooSlow).toBe(true);
  });

  it('is nobody’s business once the body was read', () => {
    const clock = createFakeClock();
    const pace = createBodyPace(clock);
    const read = body();
    pace.watch(read);
    pace.unwatch(read);
    clock.advance(60_000);
    expect(read.isTooSlow).toBe(false);
  });
});
