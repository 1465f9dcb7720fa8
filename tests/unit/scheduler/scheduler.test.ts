import { describe, expect, it } from 'vitest';
import type { EjectMode } from '#shared/contract/commands.ts';
import type { AppError } from '#shared/contract/errors.ts';
import type { CommandModelConfig } from '../../../electron/engine/config/resolved-config.ts';
import type { Lease } from '../../../electron/engine/scheduler/lease.ts';
import { createCountRoom } from '../../../electron/engine/scheduler/room.ts';
import { noMemoryKeeper } from '../../../electron/engine/ports/memory-keeper.ts';
import { createScheduler } from '../../../electron/engine/scheduler/scheduler.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeSupervisor, type FakeProcessBehaviour } from '../../fakes/fake-supervisor.ts';
import { commandModelConfig } from '../../fakes/model-config.ts';

async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

function createWorld(
  models: Record<string, Partial<CommandModelConfig>>,
  options: {
    maxLoaded?: number;
    canEvict?: boolean;
    maxQueued?: number;
    laneLimits?: ReadonlyMap<string, number>;
  } = {},
) {
  const { maxLoaded = 1, canEvict = true, maxQueued = 1000, laneLimits = new Map() } = options;
  const clock = createFakeClock();
  const behaviour: FakeProcessBehaviour = { prepareMs: 1, loadMs: 100, stopMs: 10, nextStart: () => 'ready' };
  const ids = Object.keys(models);
  const supervisor = createFakeSupervisor(clock, new Map(ids.map((id) => [id, behaviour])));
  const scheduler = createScheduler({
    models: new Map(ids.map((id) => [id, commandModelConfig(id, { concurrency: 1, ...models[id] })])),
    supervisor,
    clock,
    room: createCountRoom({ maxLoaded, canEvict }),
    fairnessBoundMs: 1000,
    maxQueued,
    laneLimits,
    togetherSets: [],
    gameModeRequests: 'hold',
    memory: noMemoryKeeper,
    onReservedChanged: () => undefined,
    onModelChanged: () => undefined,
    onQueueChanged: () => undefined,
  });

  return {
    clock,
    behaviour,
    supervisor,
    scheduler,
    state: (modelId: string) => supervisor.process(modelId).view().state,
    /** Lets time pass in steps, with the promises of each settled before the next. */
    async pass(durationMs: number, stepMs = 10): Promise<void> {
      await settle();
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        clock.advance(Math.min(stepMs, durationMs - passedMs));
        await settle();
      }
    },
    ask(modelId: string, { lane = 'default', priority = 0 } = {}) {
      const abort = new AbortController();
      const asked: { lease: Lease | undefined; error: AppError | undefined; cancel(): void } = {
        lease: undefined,
        error: undefined,
        cancel: () => abort.abort(new Error('client gone')),
      };
      scheduler.acquire({ modelId, lane, priority, signal: abort.signal }).then(
        (lease) => (asked.lease = lease),
        (error: unknown) => (asked.error = error as AppError),
      );
      return asked;
    },
    eject: (modelId: string, mode: EjectMode) => scheduler.eject(modelId, mode, new AbortController().signal),
    load: (modelId: string) => scheduler.load(modelId, new AbortController().signal),
  };
}

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
