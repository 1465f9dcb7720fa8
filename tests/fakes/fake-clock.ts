import type { Clock, Timer } from '../../electron/engine/ports/clock.ts';

export interface FakeClock extends Clock {
  /** Lets time pass: due timers run in the order they are due, those set meanwhile too. */
  advance(durationMs: number): void;
  /** Milliseconds until the next timer is due; undefined if none is set. */
  untilNextMs(): number | undefined;
  timerCount(): number;
}

/** Time that passes only when a test says so. The wall clock starts at 2026-01-01 and runs along. */
export function createFakeClock(): FakeClock {
  const wallStartMs = Date.UTC(2026, 0, 1);
  let nowMs = 0;
  let lastOrder = 0;
  const timers = new Map<number, { dueMs: number; action: () => void }>();

  /** The timer that is due first; of several the one that was set first. */
  function first(): { order: number; dueMs: number; action: () => void } | undefined {
    let found: { order: number; dueMs: number; action: () => void } | undefined;
    for (const [order, timer] of timers) {
      if (found === undefined || timer.dueMs < found.dueMs) found = { order, ...timer };
    }
    return found;
  }

  return {
    nowMs: () => nowMs,
    wallMs: () => wallStartMs + nowMs,
    setTimer(delayMs, action): Timer {
      lastOrder += 1;
      const order = lastOrder;
      timers.set(order, { dueMs: nowMs + Math.max(0, delayMs), action });
      return { cancel: () => void timers.delete(order) };
    },
    advance(durationMs) {
      const endMs = nowMs + durationMs;
      for (let next = first(); next !== undefined && next.dueMs <= endMs; next = first()) {
        timers.delete(next.order);
        nowMs = Math.max(nowMs, next.dueMs);
        next.action();
      }
      nowMs = endMs;
    },
    untilNextMs() {
      const next = first();
      return next === undefined ? undefined : next.dueMs - nowMs;
    },
    timerCount: () => timers.size,
  };
}
