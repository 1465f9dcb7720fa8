import { applyEvent } from '#shared/contract/apply-event.ts';
import type { NumberedEvent } from '#shared/contract/events.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';

export type SnapshotListener = (snapshot: Snapshot | undefined) => void;

export interface SnapshotFeed {
  /** Tells the state as it is, at once, and whenever it changes; undefined once Corral has stopped. Returns what ends it. */
  subscribe(listener: SnapshotListener): () => void;
  close(): void;
}

/** The state for those in this process that show it, such as the tray: one subscription for all of them. */
export function createSnapshotFeed(source: {
  snapshot(): Snapshot;
  subscribe(listener: (event: NumberedEvent) => void, options: { isLooking: boolean }): () => void;
}): SnapshotFeed {
  const listeners = new Set<SnapshotListener>();
  let current: Snapshot | undefined;
  let unsubscribe: (() => void) | undefined;

  function onEvent(numbered: NumberedEvent): void {
    if (current === undefined) return;
    current = applyEvent(current, numbered) ?? source.snapshot();
    const { type } = numbered.event;
    // These say that there is more to fetch elsewhere; what is in the snapshot is as before.
    if (type === 'log-appended' || type === 'requests-recorded') return;
    for (const listener of listeners) listener(current);
  }

  function end(): void {
    unsubscribe?.();
    unsubscribe = undefined;
    current = undefined;
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      // It shows what is known; a vendor's tool every few seconds, for as long as the app runs, would be felt.
      unsubscribe ??= source.subscribe(onEvent, { isLooking: false });
      current ??= source.snapshot();
      listener(current);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) end();
      };
    },
    close() {
      end();
      for (const listener of listeners) listener(undefined);
      listeners.clear();
    },
  };
}
