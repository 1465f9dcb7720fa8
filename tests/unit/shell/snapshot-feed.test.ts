import { describe, expect, it } from 'vitest';
import type { NumberedEvent } from '#shared/contract/events.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { createSnapshotFeed } from '../../../electron/shell/snapshot-feed.ts';
import { modelView, snapshotOf } from '../../fakes/views.ts';

function setUp() {
  const subscribed = new Set<(event: NumberedEvent) => void>();
  let snapshot = snapshotOf({ sequence: 4, models: [modelView({ id: 'a' })] });
  let fetches = 0;
  const feed = createSnapshotFeed({
    snapshot() {
      fetches += 1;
      return snapshot;
    },
    subscribe(listener, { isLooking }) {
      expect(isLooking).toBe(false); // The app runs all day; nobody looks at its tray for most of it.
      subscribed.add(listener);
      return () => void subscribed.delete(listener);
    },
  });
  return {
    feed,
    subscribed,
    fetches: () => fetches,
    setSnapshot: (next: Snapshot) => void (snapshot = next),
    emit(event: NumberedEvent) {
      for (const listener of subscribed) listener(event);
    },
  };
}

const states = (heard: readonly (Snapshot | undefined)[]) => heard.map((each) => each?.models[0]?.state);

describe('createSnapshotFeed', () => {
  it('tells the state at once and as it changes, by one subscription for all', () => {
    const { feed, subscribed, fetches, emit } = setUp();
    const one: (Snapshot | undefined)[] = [];
    const other: (Snapshot | undefined)[] = [];
    feed.subscribe((snapshot) => one.push(snapshot));
    emit({ sequence: 5, event: { type: 'model-changed', model: modelView({ id: 'a', state: 'ready' }) } });
    feed.subscribe((snapshot) => other.push(snapshot));
    expect(states(one)).toEqual(['off', 'ready']);
    expect(states(other)).toEqual(['ready']);
    expect(subscribed.size).toBe(1);
    expect(fetches()).toBe(1);
  });

  it('stays quiet about what the snapshot does not hold, and counts it', () => {
    const { feed, fetches, emit } = setUp();
    const heard: (Snapshot | undefined)[] = [];
    feed.subscribe((snapshot) => heard.push(snapshot));
    emit({ sequence: 5, event: { type: 'log-appended', source: 'a', lastLine: 9 } });
    emit({ sequence: 6, event: { type: 'model-changed', model: modelView({ id: 'a', state: 'ready' }) } });
    expect(states(heard)).toEqual(['off', 'ready']);
    expect(fetches()).toBe(1);
  });

  it('fetches the state anew after a gap', () => {
    const { feed, setSnapshot, emit } = setUp();
    const heard: (Snapshot | undefined)[] = [];
    feed.subscribe((snapshot) => heard.push(snapshot));
    setSnapshot(snapshotOf({ sequence: 9, models: [modelView({ id: 'a', state: 'crashed' })] }));
    emit({ sequence: 9, event: { type: 'queue-changed', queue: [] } });
    expect(states(heard)).toEqual(['off', 'crashed']);
  });

  it('lets go of the engine with its last listener, and says so when it is closed', () => {
    const { feed, subscribed } = setUp();
    feed.subscribe(() => undefined)();
    expect(subscribed.size).toBe(0);
    const heard: (Snapshot | undefined)[] = [];
    feed.subscribe((snapshot) => heard.push(snapshot));
    feed.close();
    expect(heard.at(-1)).toBeUndefined();
    expect(heard).toHaveLength(2);
    expect(subscribed.size).toBe(0);
  });
});
