import type { Clock, Timer } from '../ports/clock.ts';

export interface WakeTimer {
  /** Wakes at that monotonic time, or earlier; undefined changes nothing. */
  setAt(atMs: number | undefined): void;
  /** Never wakes again. */
  close(): void;
}

/** One timer for the next thing that is due. One that is too early only wakes once more than needed, and is not replaced. */
export function createWakeTimer(clock: Clock, onDue: () => void): WakeTimer {
  let wake: { timer: Timer; atMs: number } | undefined;
  let isClosed = false;
  return {
    setAt(atMs) {
      if (atMs === undefined || isClosed || (wake !== undefined && wake.atMs <= atMs)) return;
      wake?.timer.cancel();
      const timer = clock.setTimer(Math.max(0, atMs - clock.nowMs()), () => {
        wake = undefined;
        onDue();
      });
      wake = { timer, atMs };
    },
    close() {
      isClosed = true;
      wake?.timer.cancel();
      wake = undefined;
    },
  };
}
