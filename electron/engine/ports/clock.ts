/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as the engine sees it. `nowMs` is monotonic (deadlines, ages, TTLs), `wallMs` is the calendar (what people read).
 * Timers never keep the process alive by themselves.
 */
export interface Clock {
  nowMs(): number;
  wallMs(): number;
  setTimer(delayMs: number, action: () => void): Timer;
}

// Node clamps longer delays to 1 ms (timers.setTimeout, "When delay is larger than 2147483647").
const MAX_DELAY_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, action) {
    const handle = setTimeout(action, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
