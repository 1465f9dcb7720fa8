import type { Clock } from '../ports/clock.ts';

/** A client that sends less than this in so long holds a connection, and that is all it does. */
const MIN_BYTES = 1024;
const WINDOW_MS = 8000;
const LOOK_INTERVAL_MS = 2000;

export interface PacedBody {
  receivedBytes: number;
  /** Kept by the watch. */
  seenBytes: number;
  sinceMs: number;
  onTooSlow(): void;
}

/** Looks after all bodies that are being read, with one timer, and none while there are none. */
export interface BodyPace {
  watch(body: PacedBody): void;
  unwatch(body: PacedBody): void;
}

export function createBodyPace(clock: Clock): BodyPace {
  const bodies = new Set<PacedBody>();
  let isLooking = false;

  function lookLater(): void {
    isLooking = true;
    clock.setTimer(LOOK_INTERVAL_MS, look);
  }

  function look(): void {
    isLooking = false;
    const nowMs = clock.nowMs();
    for (const body of bodies) {
      if (nowMs - body.sinceMs < WINDOW_MS) continue;
      const isTooSlow = body.receivedBytes - body.seenBytes < MIN_BYTES;
      body.sinceMs = nowMs;
      body.seenBytes = body.receivedBytes;
      if (isTooSlow) body.onTooSlow();
    }
    if (bodies.size > 0) lookLater();
  }

  return {
    watch(body) {
      body.sinceMs = clock.nowMs();
      bodies.add(body);
      if (!isLooking) lookLater();
    },
    unwatch: (body) => void bodies.delete(body),
  };
}
