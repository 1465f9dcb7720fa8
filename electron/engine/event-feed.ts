import type { EventBody, NumberedEvent } from '#shared/contract/events.ts';
import type { Clock, Timer } from './ports/clock.ts';

export type EventListener = (event: NumberedEvent) => void;

export interface EventFeed {
  /** Marks something as changed; what it then is, is read when the events go out. Undefined: it is gone meanwhile. */
  mark(key: string, read: () => EventBody | undefined): void;
  subscribe(listener: EventListener): () => void;
  /** The number of the last event that went out. */
  sequence(): number;
  close(): void;
}

/** A person sees no difference below this, and a burst of a thousand changes becomes one event a subject. */
const MIN_INTERVAL_MS = 40;

/**
 * Numbers events and gathers changes: the first goes out at once, what follows closely goes out together, each subject
 * once and with its newest value.
 */
export function createEventFeed(clock: Clock): EventFeed {
  const listeners = new Set<EventListener>();
  const marked = new Map<string, () => EventBody | undefined>();
  let sequence = 0;
  let lastFlushMs = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  function flush(): void {
    timer = undefined;
    lastFlushMs = clock.nowMs();
    const reads = [...marked.values()];
    marked.clear();
    for (const read of reads) {
      const event = read();
      if (event === undefined) continue;
      sequence += 1;
      const numbered = { sequence, event };
      for (const listener of listeners) listener(numbered);
    }
  }

  return {
    mark(key, read) {
      if (listeners.size === 0) return;
      marked.set(key, read);
      timer ??= clock.setTimer(Math.max(0, lastFlushMs + MIN_INTERVAL_MS - clock.nowMs()), flush);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) marked.clear();
      };
    },
    sequence: () => sequence,
    close() {
      timer?.cancel();
      listeners.clear();
      marked.clear();
    },
  };
}
