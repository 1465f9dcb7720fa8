import { describe, expect, it } from 'vitest';
import { createWorld } from './support/scheduler-world.ts';

describe('how long a model is kept', () => {
  const ttlMs = 1000;

  it('is its configured idle time, and a client’s wish in place of it', async () => {
    const world = createWorld({ a: { ttlMs } });
    const first = world.ask('a');
    await world.pass(150);
    world.scheduler.keepAlive('a', 3000);
    expect(world.scheduler.counts('a').ttlMs).toBe(3000);
    first.lease?.release();
    await world.pass(2900, 100);
    expect(world.state('a')).toBe('ready');
    await world.pass(200);
    expect(world.state('a')).toBe('off');
  });

  it('holds for this load alone', async () => {
    const world = createWorld({ a: { ttlMs } });
    const first = world.ask('a');
    await world.pass(150);
    world.scheduler.keepAlive('a', 60_000);
    first.lease?.release();
    const ejected = world.eject('a', 'now');
    await world.pass(50);
    await ejected;
    expect(world.scheduler.counts('a').ttlMs).toBe(ttlMs);
    const again = world.ask('a');
    await world.pass(150);
    again.lease?.release();
    await world.pass(1100);
    expect(world.state('a')).toBe('off');
  });

  it('0 ends it once it is idle, and at once if it is', async () => {
    const world = createWorld({ a: { ttlMs } });
    const running = world.ask('a');
    await world.pass(150);
    world.scheduler.keepAlive('a', 0);
    await world.pass(200);
    expect(world.state('a')).toBe('ready');
    running.lease?.release();
    await world.pass(30);
    expect(world.state('a')).toBe('off');

    void world.load('a');
    await world.pass(150);
    world.scheduler.keepAlive('a', 0);
    await world.pass(30);
    expect(world.state('a')).toBe('off');
  });

  it('0 serves who waits before', async () => {
    const world = createWorld({ a: { ttlMs } });
    const running = world.ask('a');
    await world.pass(150);
    const waiting = world.ask('a');
    world.scheduler.keepAlive('a', 0);
    running.lease?.release();
    await world.pass(30);
    expect(waiting.lease).toBeDefined();
  });

  it('for good outlasts any idle time, and any time a model was never to go', async () => {
    const world = createWorld({ a: { ttlMs } });
    const running = world.ask('a');
    await world.pass(150);
    world.scheduler.keepAlive('a', Infinity);
    expect(world.scheduler.counts('a').ttlMs).toBe(0);
    running.lease?.release();
    await world.pass(10_000, 500);
    expect(world.state('a')).toBe('ready');
  });

  it('does not move a pinned model, nor mean anything for one that is not loaded', async () => {
    const world = createWorld({ a: { ttlMs, pinned: true }, b: { ttlMs } });
    const running = world.ask('a');
    await world.pass(150);
    world.scheduler.keepAlive('a', 0);
    running.lease?.release();
    await world.pass(500);
    expect(world.state('a')).toBe('ready');
    world.scheduler.keepAlive('b', 5);
    expect(world.scheduler.counts('b').ttlMs).toBe(ttlMs);
  });
});
