import { describe, expect, it } from 'vitest';
import { repeatWhileWanted } from '../../../electron/engine/memory/repeat-while-wanted.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

describe('repeatWhileWanted', () => {
  it('acts once an interval, only while that is wanted, and one at a time', async () => {
    const clock = createFakeClock();
    const finish: (() => void)[] = [];
    let isWanted = true;
    const end = repeatWhileWanted({
      clock,
      intervalMs: 100,
      isWanted: () => isWanted,
      act: () => new Promise((resolve) => finish.push(resolve)),
    });
    clock.advance(100);
    clock.advance(500);
    expect(finish).toHaveLength(1);
    finish[0]?.();
    await new Promise(setImmediate);
    isWanted = false;
    clock.advance(100);
    await new Promise(setImmediate);
    isWanted = true;
    clock.advance(99);
    expect(finish).toHaveLength(1);
    clock.advance(1);
    expect(finish).toHaveLength(2);
    end();
  });

  it('does nothing more once it has ended, and tells what is under way', async () => {
    const clock = createFakeClock();
    const told: boolean[] = [];
    let finish = (): void => undefined;
    const end = repeatWhileWanted({
      clock,
      intervalMs: 100,
      isWanted: () => true,
      async act(isEnded) {
        await new Promise<void>((resolve) => (finish = resolve));
        told.push(isEnded());
      },
    });
    clock.advance(100);
    end();
    finish();
    await new Promise(setImmediate);
    clock.advance(1000);
    expect(told).toEqual([true]);
    expect(clock.timerCount()).toBe(0);
  });
});
