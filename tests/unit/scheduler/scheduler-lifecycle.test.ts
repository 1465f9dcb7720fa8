import { describe, expect, it } from 'vitest';
import type { AppError } from '#shared/contract/errors.ts';
import { createWorld, settle } from './support/scheduler-world.ts';

describe('an eject', () => {
  it('of a model that is not loaded is done at once', async () => {
    const world = createWorld({ a: {} });
    expect(await world.eject('a', 'now')).toMatchObject({ model: 'a', wasLoaded: false });
  });

  it('when idle lets the running request end and holds back new ones', async () => {
    const world = createWorld({ a: {} });
    const running = world.ask('a');
    await world.pass(150);
    const ejected = world.eject('a', 'when-idle');
    const next = world.ask('a');
    await world.pass(100);
    expect(world.state('a')).toBe('draining');
    expect(next.lease).toBeUndefined();
    running.lease?.release();
    await world.pass(20);
    expect(await ejected).toMatchObject({ wasLoaded: true, exitCode: 0 });
    await world.pass(200);
    expect(next.lease?.endpoint.origin).toBe('http://a/2');
  });

  it('after the queue serves who waits, and then ends', async () => {
    const world = createWorld({ a: {} });
    const running = world.ask('a');
    await world.pass(150);
    const earlier = world.ask('a');
    const ejected = world.eject('a', 'after-queue');
    const later = world.ask('a');
    running.lease?.release();
    await settle();
    expect(earlier.lease).toBeDefined();
    earlier.lease?.release();
    await world.pass(30);
    await ejected;
    expect(later.lease).toBeUndefined();
    await world.pass(200);
    expect(later.lease?.endpoint.origin).toBe('http://a/2');
  });

  it('now aborts what runs and refuses who waits', async () => {
    const world = createWorld({ a: {} });
    const running = world.ask('a');
    await world.pass(150);
    let abortedWith: AppError | undefined;
    running.lease!.onAborted = (error) => (abortedWith = error);
    const waiting = world.ask('a');
    const ejected = world.eject('a', 'now');
    await world.pass(30);
    expect(abortedWith?.code).toBe('ejected');
    expect(waiting.error?.code).toBe('ejected');
    running.lease?.release();
    await ejected;
    expect(world.state('a')).toBe('off');
  });

  it.each(['when-idle', 'after-queue', 'now'] as const)('%s of a model that loads ends the load', async (mode) => {
    const world = createWorld({ a: {} });
    const loading = world.load('a').catch((error: unknown) => (error as AppError).code);
    await world.pass(50);
    expect(world.state('a')).toBe('loading');
    const ejected = world.eject('a', mode);
    await world.pass(300);
    await ejected;
    await loading;
    expect(world.state('a')).toMatch(mode === 'after-queue' ? /off|ready/ : /off/);
  });

  it('that a load calls off ends with a conflict, and the model goes on', async () => {
    const world = createWorld({ a: {} });
    const running = world.ask('a');
    await world.pass(150);
    const ejected = world.eject('a', 'when-idle');
    await settle();
    expect(world.state('a')).toBe('draining');
    await world.load('a');
    await expect(ejected).rejects.toMatchObject({ code: 'conflict' });
    expect(world.state('a')).toBe('ready');
    running.lease?.release();
    await world.pass(50);
    expect(world.state('a')).toBe('ready');
  });

  // The second eject lets those pass who came between the two, but a draining model answers nobody.
  it('after the queue, on top of one that drains already, does not wait for who can no longer be served', async () => {
    const world = createWorld({ a: {} });
    const running = world.ask('a');
    await world.pass(150);
    const first = world.eject('a', 'when-idle');
    const between = world.ask('a');
    const second = world.eject('a', 'after-queue');
    running.lease?.release();
    await world.pass(1000);
    expect(world.state('a')).not.toBe('draining');
    await Promise.all([first, second]);
    await world.pass(1000);
    expect(between.lease).toBeDefined();
  });
});

describe('idle models', () => {
  it('go when their ttl has passed since the last completion, and not before', async () => {
    const world = createWorld({ a: { ttlMs: 5000 } });
    const asked = world.ask('a');
    await world.pass(10_000, 100);
    expect(world.state('a')).toBe('ready');
    asked.lease?.release();
    await world.pass(4900);
    expect(world.state('a')).toBe('ready');
    await world.pass(200);
    expect(world.state('a')).toBe('off');
  });

  it('go after a load too, though nothing else happens to them', async () => {
    const world = createWorld({ a: { ttlMs: 5000 } });
    await Promise.all([world.load('a'), world.pass(150)]);
    await world.pass(6000, 100);
    expect(world.state('a')).toBe('off');
  });

  it('stay while they are pinned, and go once they are not', async () => {
    const world = createWorld({ a: { ttlMs: 1000, pinned: true } });
    await Promise.all([world.load('a'), world.pass(150)]);
    await world.pass(3000, 100);
    expect(world.state('a')).toBe('ready');
    world.scheduler.setPinned('a', false);
    await world.pass(50);
    expect(world.state('a')).toBe('off');
  });

  it('serve whoever arrives around the moment they go, 500 times', async () => {
    for (let offsetMs = -50; offsetMs < 50; offsetMs += 0.2) {
      const world = createWorld({ a: { ttlMs: 1000 } });
      const first = world.ask('a');
      await world.pass(110, 110);
      await world.pass(1, 1);
      first.lease!.release();
      await world.pass(1000 + offsetMs, 1000 + offsetMs);
      const second = world.ask('a');
      await world.pass(200, 20);
      expect(second.lease, `${offsetMs} ms`).toBeDefined();
    }
  });
});

describe('crashes', () => {
  it('bring a model back after the delay, with nobody asking', async () => {
    const world = createWorld({ a: {}, b: {} }, { maxLoaded: 2 });
    await Promise.all([world.load('a'), world.load('b'), world.pass(150)]);
    world.supervisor.process('a').crash();
    await world.pass(100);
    expect([world.state('a'), world.state('b')]).toEqual(['crashed', 'ready']);
    await world.pass(1000);
    expect([world.state('a'), world.state('b')]).toEqual(['ready', 'ready']);
  });

  it('give a model up after five, answer at once from then on, and are forgotten by a reset', async () => {
    const world = createWorld({ a: {} });
    world.behaviour.nextStart = () => 'exits';
    const startsAtMs: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      const before = world.supervisor.process('a').startCount();
      const asked = world.ask('a');
      for (let step = 0; step < 2000 && asked.error === undefined; step += 1) {
        await world.pass(10);
        if (world.supervisor.process('a').startCount() > before && startsAtMs.length <= before)
          startsAtMs.push(world.clock.nowMs());
      }
      expect(asked.error?.code).toBe(turn < 4 ? 'start-failed' : 'model-failed');
    }
    expect(world.supervisor.process('a').startCount()).toBe(5);
    const pausesMs = startsAtMs.slice(1).map((atMs, index) => atMs - startsAtMs[index]!);
    expect(pausesMs).toEqual([...pausesMs].sort((one, other) => one - other));
    world.behaviour.nextStart = () => 'ready';
    world.scheduler.reset('a');
    const again = world.ask('a');
    await world.pass(200);
    expect(again.lease).toBeDefined();
  });
});

describe('the end', () => {
  it('refuses who waits and who comes, lets running requests end, and aborts what is left', async () => {
    const world = createWorld({ a: { concurrency: 2 } });
    const [quick, stuck] = [world.ask('a'), world.ask('a')];
    const waiting = world.ask('a');
    await world.pass(150);
    let abortedWith: AppError | undefined;
    stuck.lease!.onAborted = (error) => {
      abortedWith = error;
      stuck.lease!.release();
    };
    let isClosed = false;
    const closed = world.scheduler.close(1000).then(() => (isClosed = true));
    const late = world.ask('a');
    await settle();
    expect([waiting.error?.code, late.error?.code]).toEqual(['shutting-down', 'shutting-down']);
    await world.pass(500);
    quick.lease?.release();
    expect(isClosed).toBe(false);
    expect(abortedWith).toBeUndefined();
    await world.pass(600);
    await closed;
    expect(abortedWith?.code).toBe('shutting-down');
  });
});
