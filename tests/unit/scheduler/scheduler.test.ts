import { describe, expect, it } from 'vitest';
import type { AppError } from '#shared/contract/errors.ts';
import { createWorld, settle } from './support/scheduler-world.ts';

describe('a request', () => {
  it('starts its model, gets a lease of it, and gives its slot to the next', async () => {
    const world = createWorld({ a: {} });
    const first = world.ask('a');
    const second = world.ask('a');
    await world.pass(150);
    expect(first.lease?.endpoint.origin).toBe('http://a/1');
    expect(second.lease).toBeUndefined();
    expect(world.scheduler.counts('a')).toMatchObject({ activeRequests: 1, waitingRequests: 1, concurrency: 1 });
    first.lease?.release();
    first.lease?.release();
    await settle();
    expect(second.lease).toBeDefined();
    expect(world.scheduler.counts('a')).toMatchObject({ activeRequests: 1, waitingRequests: 0 });
    expect(world.supervisor.process('a').startCount()).toBe(1);
  });

  it('whose model cannot be started fails with all that wait for it, and the model is not started for them again', async () => {
    const world = createWorld({ a: {} });
    world.behaviour.nextStart = () => 'refused';
    const asked = [world.ask('a'), world.ask('a'), world.ask('a')];
    await world.pass(1000);
    expect(asked.map(({ error }) => error?.code)).toEqual(['start-failed', 'start-failed', 'start-failed']);
    expect(world.supervisor.process('a').startCount()).toBe(1);
    expect(world.supervisor.process('a').view().problem?.message).toContain('no file');
  });

  it('that is cancelled leaves its place, and the one that runs is untouched', async () => {
    const world = createWorld({ a: {} });
    const running = world.ask('a');
    await world.pass(150);
    let abortedWith: AppError | undefined;
    running.lease!.onAborted = (error) => (abortedWith = error);
    const [one, two] = [world.ask('a'), world.ask('a')];
    await settle();
    const [first] = world.scheduler.queue();
    expect(world.scheduler.cancel(first!.id)).toBe(true);
    expect(world.scheduler.cancel(first!.id)).toBe(false);
    two.cancel();
    await settle();
    expect(one.error?.code).toBe('cancelled');
    expect(two.error?.message).toBe('client gone');
    expect(world.scheduler.queue()).toEqual([]);
    expect(abortedWith).toBeUndefined();
    expect(world.scheduler.counts('a').activeRequests).toBe(1);
  });

  it('that is no longer wanted when it comes is not served', async () => {
    const world = createWorld({ a: {} });
    const asked = world.scheduler.acquire({
      modelId: 'a',
      lane: 'default',
      priority: 0,
      signal: AbortSignal.abort(new Error('gone')),
    });
    await expect(asked).rejects.toThrow('gone');
    expect(world.state('a')).toBe('off');
  });

  it('that nobody waits for any more before its process exists leaves nothing running', async () => {
    const world = createWorld({ a: {} });
    const asked = world.ask('a');
    expect(world.state('a')).toBe('starting');
    asked.cancel();
    await world.pass(300);
    expect(world.state('a')).toBe('off');
  });

  it('waits no longer than queue.maxWait, and is told what blocked it', async () => {
    const world = createWorld({ a: {}, b: { queue: { max: 10, maxWaitMs: 3000 } } });
    const busy = world.ask('a');
    await world.pass(150);
    const late = world.ask('b');
    await world.pass(2900);
    expect(late.error).toBeUndefined();
    await world.pass(200);
    expect(late.error?.code).toBe('queue-timeout');
    expect(late.error?.message).toContain('Busy meanwhile: a');
    expect(busy.lease).toBeDefined();
  });
});

describe('limits of the queue', () => {
  it('let exactly as many wait as they say, beside those that run', async () => {
    const world = createWorld({ a: { queue: { max: 16, maxWaitMs: 60_000 } } });
    const running = world.ask('a');
    await world.pass(150);
    expect(running.lease).toBeDefined();
    const asked = Array.from({ length: 26 }, () => world.ask('a'));
    await settle();
    expect(asked.map(({ error }) => error?.code)).toEqual([
      ...Array.from({ length: 16 }, () => undefined),
      ...Array.from({ length: 10 }, () => 'queue-full'),
    ]);
    expect(asked.at(-1)?.error?.retryAfterSeconds).toBeGreaterThan(0);
  });

  it('hold over all models', async () => {
    const world = createWorld({ a: {}, b: {} }, { maxQueued: 3 });
    const asked = ['a', 'a', 'b', 'b', 'a'].map((id) => world.ask(id));
    await settle();
    expect(asked.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      'queue-full',
      'queue-full',
    ]);
  });

  // A client that is refused must not have taken a loaded model away from the others.
  it('refuse without side effect: no model is stopped or started for a request that is refused', async () => {
    const world = createWorld({ a: { concurrency: 1 }, b: { queue: { max: 0, maxWaitMs: 60_000 } } });
    await Promise.all([world.load('a'), world.pass(200)]);
    const refused = world.ask('b');
    await world.pass(300);
    expect(refused.error?.code).toBe('queue-full');
    expect(world.state('a')).toBe('ready');
    expect(world.state('b')).toBe('off');
  });
});

describe('lanes', () => {
  it('hold one client back, not the others', async () => {
    const world = createWorld({ a: { concurrency: 3 } }, { laneLimits: new Map([['slow', 1]]) });
    const slow = [world.ask('a', { lane: 'slow' }), world.ask('a', { lane: 'slow' })];
    const other = world.ask('a');
    await world.pass(150);
    expect(slow.map(({ lease }) => lease !== undefined)).toEqual([true, false]);
    expect(other.lease).toBeDefined();
    expect(world.scheduler.queue()).toMatchObject([{ lane: 'slow', waitsFor: 'lane', position: 1 }]);
    slow[0]?.lease?.release();
    await settle();
    expect(slow[1]?.lease).toBeDefined();
  });
});

describe('what those who wait are told', () => {
  it('is their place, what is in the way, and how long it will take by what was seen', async () => {
    const world = createWorld({ a: {}, b: {} });
    const first = world.ask('a');
    await settle();
    const [starting] = world.scheduler.queue();
    expect(starting).toMatchObject({ waitsFor: 'load', reason: 'a is starting', expectedWaitMs: null });
    expect(world.scheduler.waitStatus(starting!.id)).toEqual({
      waitsFor: 'load',
      place: 1,
      total: 1,
      modelState: 'starting',
      loadProgress: null,
    });
    await world.pass(150);
    world.ask('a');
    await settle();
    // Nothing was ever served, so nothing is known.
    expect(world.scheduler.queue()).toMatchObject([{ reason: 'slot of a: 1 of 1 busy', expectedWaitMs: null }]);
    await world.pass(350);
    first.lease?.release();
    await settle();
    world.ask('a');
    world.ask('b');
    await settle();
    // The first held its slot for about 400 ms.
    const [next, other] = world.scheduler.queue();
    expect(next?.expectedWaitMs).toBeGreaterThan(380);
    expect(next?.expectedWaitMs).toBeLessThan(420);
    expect(other).toMatchObject({ reason: 'room: a busy', expectedWaitMs: null, position: 2 });
    expect(world.scheduler.waitStatus(other!.id)).toMatchObject({ waitsFor: 'room', place: 1, total: 1 });
    expect(world.scheduler.waitStatus('r99')).toBeUndefined();
  });

  it('comes with the id under which they wait, unless they are refused or served at once', async () => {
    const world = createWorld({ a: { queue: { max: 1, maxWaitMs: 1000 } } });
    await Promise.all([world.load('a'), world.pass(150)]);
    const ids: string[] = [];
    const acquire = (): Promise<unknown> =>
      world.scheduler
        .acquire({
          modelId: 'a',
          lane: 'default',
          priority: 0,
          signal: new AbortController().signal,
          onQueued: (id) => ids.push(id),
        })
        .catch((error: unknown) => error);
    expect(world.scheduler.acquireNow('a', 'default')).toBeDefined();
    void acquire();
    expect(await acquire()).toMatchObject({ code: 'queue-full' });
    expect(ids).toEqual(world.scheduler.queue().map(({ id }) => id));
    expect(ids).toHaveLength(1);
  });

  it('is when to come again, where the queue is full, by how long requests took', async () => {
    const world = createWorld({ a: { queue: { max: 1, maxWaitMs: 60_000 } } });
    const first = world.ask('a');
    await world.pass(150);
    const full = async (): Promise<number | undefined> => {
      const refused = world.ask('a');
      await settle();
      expect(refused.error?.code).toBe('queue-full');
      return refused.error?.retryAfterSeconds;
    };
    world.ask('a');
    expect(await full()).toBe(2);
    await world.pass(19_900, 100);
    first.lease?.release();
    await settle();
    world.ask('a');
    // Two turns of about 20 s each.
    expect(await full()).toBe(40);
  });
});

describe('fairness', () => {
  /** Keeps `count` requests of `serviceMs` going on a model, each followed by the next, the first ones apart from another. */
  function flood(world: ReturnType<typeof createWorld>, modelId: string, count: number, serviceMs: number): () => void {
    let isOver = false;
    const next = (): void => {
      if (isOver) return;
      void world.scheduler
        .acquire({ modelId, lane: 'default', priority: 0, signal: new AbortController().signal })
        .then((lease) => {
          world.clock.setTimer(serviceMs, () => {
            next();
            lease.release();
          });
        });
    };
    for (let each = 0; each < count; each += 1) world.clock.setTimer((each * serviceMs) / count, next);
    return () => (isOver = true);
  }

  it('lets one wait no longer than the bound, one service and the load, however busy the other model is', async () => {
    const world = createWorld({ a: { concurrency: 2 }, b: {} });
    const stop = flood(world, 'a', 6, 300);
    await world.pass(1000);
    const startMs = world.clock.nowMs();
    const asked = world.ask('b');
    for (let step = 0; step < 1000 && asked.lease === undefined; step += 1) await world.pass(10);
    expect(world.clock.nowMs() - startMs).toBeLessThanOrEqual(1000 + 300 + 10 + 101 + 50);
    stop();
  });

  it('serves younger requests for the loaded model within the bound', async () => {
    const world = createWorld({ a: {}, b: {} });
    const stop = flood(world, 'a', 2, 100);
    await world.pass(500);
    const asked = world.ask('b');
    await world.pass(900);
    expect(asked.lease).toBeUndefined();
    expect(world.state('a')).toBe('ready');
    stop();
    await world.pass(1000);
    expect(asked.lease).toBeDefined();
  });

  // Which of two busy models yields must not change with every completion, or neither ever becomes idle.
  it('holds with two busy models loaded, each with several requests at once', async () => {
    const world = createWorld({ a: { concurrency: 4 }, b: { concurrency: 4 }, c: {} }, { maxLoaded: 2 });
    const stops = [flood(world, 'a', 8, 400), flood(world, 'b', 8, 400)];
    await world.pass(1000);
    const startMs = world.clock.nowMs();
    const asked = world.ask('c');
    for (let step = 0; step < 2000 && asked.lease === undefined && asked.error === undefined; step += 1)
      await world.pass(10);
    expect(asked.lease).toBeDefined();
    expect(world.clock.nowMs() - startMs).toBeLessThanOrEqual(1000 + 2 * 400 + 10 + 101 + 50);
    for (const stop of stops) stop();
  });
});

describe('room', () => {
  it('is refused at once where every place is pinned, and where the policy is to reject', async () => {
    const pinned = createWorld({ a: { pinned: true }, b: {} });
    await Promise.all([pinned.load('a'), pinned.pass(150)]);
    const one = pinned.ask('b');
    await settle();
    expect(one.error?.code).toBe('no-room');
    expect(one.error?.message).toContain('pinned models: a');
    const strict = createWorld({ a: {}, b: {} }, { canEvict: false });
    await Promise.all([strict.load('a'), strict.pass(150)]);
    const other = strict.ask('b');
    await settle();
    expect(other.error?.code).toBe('no-room');
    expect(other.error?.message).toContain('`reject`');
  });
});
