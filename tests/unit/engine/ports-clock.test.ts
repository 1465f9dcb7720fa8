import { describe, expect, it } from 'vitest';
import { delay, systemClock, type Clock } from '../../../electron/engine/ports/clock.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

interface Subject {
  readonly clock: Clock;
  pass(durationMs: number): Promise<void>;
}

const subjects: Record<string, () => Subject> = {
  'the system clock': () => ({
    clock: systemClock,
    pass: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
  }),
  'the fake clock': () => {
    const clock = createFakeClock();
    return {
      clock,
      async pass(durationMs) {
        clock.advance(durationMs);
        await Promise.resolve();
      },
    };
  },
};

describe.each(Object.entries(subjects))('%s', (_name, create) => {
  it('runs timers in the order they are due', async () => {
    const { clock, pass } = create();
    const ran: string[] = [];
    clock.setTimer(40, () => ran.push('later'));
    clock.setTimer(10, () => ran.push('sooner'));
    expect(ran).toEqual([]);
    await pass(80);
    expect(ran).toEqual(['sooner', 'later']);
  });

  it('runs timers that are due together in the order they were set', async () => {
    const { clock, pass } = create();
    const ran: number[] = [];
    for (const each of [1, 2, 3]) clock.setTimer(10, () => ran.push(each));
    await pass(40);
    expect(ran).toEqual([1, 2, 3]);
  });

  it('never runs a timer within setTimer, however short', async () => {
    const { clock, pass } = create();
    let hasRun = false;
    clock.setTimer(0, () => (hasRun = true));
    clock.setTimer(-5, () => undefined);
    expect(hasRun).toBe(false);
    await pass(20);
    expect(hasRun).toBe(true);
  });

  it('does not run a cancelled timer, and cancels twice without harm', async () => {
    const { clock, pass } = create();
    let hasRun = false;
    const timer = clock.setTimer(10, () => (hasRun = true));
    timer.cancel();
    timer.cancel();
    await pass(30);
    expect(hasRun).toBe(false);
  });

  it('runs a timer that a timer has set', async () => {
    const { clock, pass } = create();
    let hasRun = false;
    clock.setTimer(10, () => {
      clock.setTimer(10, () => (hasRun = true));
    });
    await pass(60);
    expect(hasRun).toBe(true);
  });

  it('counts on with time, monotonic and on the calendar', async () => {
    const { clock, pass } = create();
    const [nowMs, wallMs] = [clock.nowMs(), clock.wallMs()];
    await pass(50);
    expect(clock.nowMs() - nowMs).toBeGreaterThanOrEqual(49);
    expect(clock.wallMs() - wallMs).toBeGreaterThanOrEqual(48);
    expect(new Date(clock.wallMs()).getFullYear()).toBeGreaterThanOrEqual(2024);
  });

  it('keeps a timer that is due never, or in a hundred days', async () => {
    const { clock, pass } = create();
    let runs = 0;
    const timers = [Number.POSITIVE_INFINITY, 100 * 86_400_000].map((delayMs) =>
      clock.setTimer(delayMs, () => (runs += 1)),
    );
    await pass(30);
    for (const timer of timers) timer.cancel();
    expect(runs).toBe(0);
  });

  it('waits, and gives up waiting with the reason of the signal', async () => {
    const { clock, pass } = create();
    const waited = delay(clock, 20);
    const abort = new AbortController();
    const cut = delay(clock, 60_000, abort.signal);
    const aborted = expect(cut).rejects.toThrow('enough');
    abort.abort(new Error('enough'));
    await aborted;
    await pass(50);
    await waited;
    await expect(delay(clock, 10, abort.signal)).rejects.toThrow('enough');
  });
});

describe('the fake clock', () => {
  it('stands still in between, and tells what is due', () => {
    const clock = createFakeClock();
    const seenMs: number[] = [];
    clock.setTimer(30, () => seenMs.push(clock.nowMs()));
    clock.setTimer(70, () => seenMs.push(clock.nowMs()));
    expect(clock.untilNextMs()).toBe(30);
    clock.advance(29);
    expect(seenMs).toEqual([]);
    clock.advance(100);
    expect(seenMs).toEqual([30, 70]);
    expect(clock.nowMs()).toBe(129);
    expect(clock.timerCount()).toBe(0);
  });
});
