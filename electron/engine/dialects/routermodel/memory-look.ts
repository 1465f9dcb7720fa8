import type { EventListener } from '../../event-feed.ts';
import type { Clock, Timer } from '../../ports/clock.ts';

/** How long memory is still watched after somebody asked for it: until the next look of a dashboard, mostly. */
const WATCH_MS = 15_000;
/** A tool that tells of memory may take long, or never answer. */
const FIRST_READING_MS = 3000;

/** Lets memory be read while dashboards ask for it. */
export interface MemoryLook {
  /** Resolves once there is a reading, or none within three seconds. */
  ensure(): Promise<void>;
  close(): void;
}

export function createMemoryLook({
  clock,
  subscribe,
  hasReading,
}: {
  readonly clock: Clock;
  subscribe(listener: EventListener): () => void;
  hasReading(): boolean;
}): MemoryLook {
  let unsubscribe: (() => void) | undefined;
  let end: Timer | undefined;
  const waiting = new Set<() => void>();

  function close(): void {
    end?.cancel();
    unsubscribe?.();
    unsubscribe = undefined;
    for (const resolve of waiting) resolve();
  }

  return {
    async ensure() {
      end?.cancel();
      end = clock.setTimer(WATCH_MS, close);
      unsubscribe ??= subscribe(({ event }) => {
        if (event.type !== 'memory-changed') return;
        for (const resolve of waiting) resolve();
      });
      if (hasReading()) return;
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          timer.cancel();
          waiting.delete(finish);
          resolve();
        };
        const timer = clock.setTimer(FIRST_READING_MS, finish);
        waiting.add(finish);
      });
    },
    close,
  };
}
