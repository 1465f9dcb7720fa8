import { EventEmitter } from 'node:events';
import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import {
  createStreamConnections,
  type StreamConnections,
} from '../../../electron/engine/supervisor/stream-connections.ts';
import { createFakeClock, type FakeClock } from '../../fakes/fake-clock.ts';

class FakeDispatcher extends EventEmitter {
  isDestroyed = false;
  isClosing = false;
  close(): Promise<void> {
    this.isClosing = true;
    return Promise.resolve();
  }
  destroy(): Promise<void> {
    this.isDestroyed = true;
    return Promise.resolve();
  }
}

interface Scene {
  readonly clock: FakeClock;
  readonly streams: StreamConnections;
  readonly shared: Dispatcher;
  readonly opened: FakeDispatcher[];
}

function createScene(): Scene {
  const clock = createFakeClock();
  const shared = new FakeDispatcher() as unknown as Dispatcher;
  const opened: FakeDispatcher[] = [];
  const openOne = (): Dispatcher => {
    const dispatcher = new FakeDispatcher();
    opened.push(dispatcher);
    return dispatcher as unknown as Dispatcher;
  };
  return { clock, shared, opened, streams: createStreamConnections({ shared, openOne, clock }) };
}

describe('connections of streams', () => {
  it('watches the first one on a connection of its own, and uses the others of that time once', () => {
    const { streams, shared, opened } = createScene();
    const first = streams.take();
    expect(first.dispatcher).toBe(opened[0]);
    expect(first.isLast).toBe(false);
    expect(streams.take()).toMatchObject({ dispatcher: shared, isLast: true });
    expect(opened).toHaveLength(1);
  });

  it('uses them again where the server kept the first', () => {
    const { streams, shared, opened, clock } = createScene();
    streams.take().end(true);
    clock.advance(499);
    expect(streams.take().isLast).toBe(true);
    clock.advance(1);
    expect(streams.take()).toMatchObject({ dispatcher: shared, isLast: false });
    expect(opened).toMatchObject([{ isDestroyed: true }]);
  });

  it('uses none again where the server closed the first', () => {
    const { streams, shared, opened, clock } = createScene();
    streams.take().end(true);
    opened[0]?.emit('disconnect');
    clock.advance(500);
    expect(streams.take()).toMatchObject({ dispatcher: shared, isLast: true });
    streams.doubt();
    expect(streams.take().isLast).toBe(true);
    expect(opened).toHaveLength(1);
  });

  it('learns nothing from a stream that was broken off', () => {
    const { streams, opened, clock } = createScene();
    streams.take().end(false);
    expect(opened).toMatchObject([{ isDestroyed: true }]);
    clock.advance(1000);
    expect(streams.take().dispatcher).toBe(opened[1]);
  });

  it('watches again after a loss', () => {
    const { streams, opened, clock } = createScene();
    streams.take().end(true);
    clock.advance(500);
    streams.doubt();
    expect(streams.take().dispatcher).toBe(opened[1]);
  });

  it.each([
    ['close', { isClosing: true, isDestroyed: false }],
    ['destroy', { isClosing: false, isDestroyed: true }],
  ] as const)('ends the one it watches with %s, and learns nothing more', async (way, expected) => {
    const { streams, opened, clock } = createScene();
    const first = streams.take();
    await streams[way]();
    expect(opened).toMatchObject([expected]);
    first.end(true);
    clock.advance(1000);
    expect(streams.take().isLast).toBe(true);
  });
});
