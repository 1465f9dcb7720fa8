import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EjectMode } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { Lease } from '../../../electron/engine/scheduler/lease.ts';
import { createCountRoom } from '../../../electron/engine/scheduler/room.ts';
import { noMemoryKeeper } from '../../../electron/engine/ports/memory-keeper.ts';
import { createScheduler } from '../../../electron/engine/scheduler/scheduler.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeSupervisor, type FakeProcessBehaviour } from '../../fakes/fake-supervisor.ts';
import { commandModelConfig } from '../../fakes/model-config.ts';

const modelIds = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const lanes = ['default', 'slow-lane', 'vip'];
const laneLimits = new Map([['slow-lane', 2]]);
const fairnessBoundMs = 2000;
const maxWaitMs = 120_000;

type Act =
  | { kind: 'request'; model: number; lane: number; priority: number; serviceMs: number; cancelAfterMs: number | null }
  | { kind: 'load'; model: number }
  | { kind: 'eject'; model: number; mode: EjectMode }
  | { kind: 'pin'; model: number; isPinned: boolean }
  | { kind: 'crash'; model: number }
  | { kind: 'reset'; model: number };

/** Often one of two, so that things happen to the same model. */
const model = fc.oneof(fc.nat(1), fc.nat(modelIds.length - 1));
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      model,
      lane: fc.nat(lanes.length - 1),
      priority: fc.constantFrom(0, 0, 0, 1),
      serviceMs: fc.integer({ min: 0, max: 3000 }),
      cancelAfterMs: fc.option(fc.integer({ min: 0, max: 3000 }), { freq: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('load' as const), model }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('eject' as const),
      model,
      mode: fc.constantFrom<EjectMode>('when-idle', 'after-queue', 'now'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pin' as const), model, isPinned: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), model }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), model }) },
);

const world = fc.record({
  maxLoaded: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  loadMs: fc.integer({ min: 0, max: 1500 }),
  stopMs: fc.integer({ min: 0, max: 400 }),
  ttlMs: fc.constantFrom(0, 500, 5000),
  startOutcomes: fc.array(fc.constantFrom('ready', 'ready', 'ready', 'ready', 'exits', 'refused'), {
    minLength: 1,
    maxLength: 12,
  }),
  acts: fc.array(fc.tuple(fc.integer({ min: 0, max: 800 }), act), { minLength: 1, maxLength: 60 }),
});

type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never;

interface Tracked {
  readonly what: string;
  readonly arrivedMs: number;
  readonly outcomes: string[];
}

/** Lets promises settle; the scheduler needs a few turns from a decision to the one who waits. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

async function play({ maxLoaded, concurrency, loadMs, stopMs, ttlMs, startOutcomes, acts }: World): Promise<void> {
  const clock = createFakeClock();
  let startNumber = 0;
  const behaviours = new Map<string, FakeProcessBehaviour>(
    modelIds.map((id) => [
      id,
      { prepareMs: 5, loadMs, stopMs, nextStart: () => startOutcomes[startNumber++ % startOutcomes.length] ?? 'ready' },
    ]),
  );
  const leases = new Map<string, Set<Lease>>(modelIds.map((id) => [id, new Set()]));
  const laneRunning = new Map<string, number>();
  const ejectedNow = new Set<string>();
  const tracked: Tracked[] = [];
  const ejects: Tracked[] = [];

  const supervisor = createFakeSupervisor(clock, behaviours, (modelId, state) => {
    const resident = modelIds.filter((id) => isResident(supervisor.process(id).view().state));
    expect(resident.length, `resident: ${resident.join(', ')}`).toBeLessThanOrEqual(maxLoaded);
    if (state === 'stopping') {
      expect(ejectedNow.has(modelId) || leases.get(modelId)!.size === 0, `${modelId} is stopped while it answers`).toBe(
        true,
      );
    }
    if (!isResident(state)) ejectedNow.delete(modelId);
  });
  const scheduler = createScheduler({
    models: new Map(
      modelIds.map((id) => [id, commandModelConfig(id, { concurrency, ttlMs, queue: { max: 1000, maxWaitMs } })]),
    ),
    supervisor,
    clock,
    room: createCountRoom({ maxLoaded, canEvict: true }),
    fairnessBoundMs,
    maxQueued: 1000,
    laneLimits,
    togetherSets: [],
    gameModeRequests: 'hold',
    memory: noMemoryKeeper,
    onReservedChanged: () => undefined,
    onModelChanged: () => undefined,
    onQueueChanged: () => {
      expect(scheduler.queue().map((entry) => entry.position)).toEqual(scheduler.queue().map((_, index) => index + 1));
    },
  });

  function track<Value>(list: Tracked[], what: string, promise: Promise<Value>, onValue: (value: Value) => void): void {
    const record: Tracked = { what, arrivedMs: clock.nowMs(), outcomes: [] };
    list.push(record);
    promise.then(
      (value) => {
        record.outcomes.push('granted');
        onValue(value);
      },
      (error: unknown) => {
        record.outcomes.push(error instanceof AppError ? error.code : 'client-gone');
      },
    );
  }

  function serve(lease: Lease, lane: string, serviceMs: number, signal: AbortSignal): void {
    const ofModel = leases.get(lease.modelId)!;
    const { state, endpoint } = supervisor.process(lease.modelId).view();
    // Between the grant and this turn the process may only have been taken away by force.
    if (state === 'ready') expect(lease.endpoint).toBe(endpoint);
    ofModel.add(lease);
    laneRunning.set(lane, (laneRunning.get(lane) ?? 0) + 1);
    expect(laneRunning.get(lane)).toBeLessThanOrEqual(laneLimits.get(lane) ?? Number.POSITIVE_INFINITY);
    expect(scheduler.counts(lease.modelId).activeRequests).toBeLessThanOrEqual(concurrency);
    let isDone = false;
    const finish = (): void => {
      if (isDone) return;
      isDone = true;
      timer.cancel();
      ofModel.delete(lease);
      laneRunning.set(lane, (laneRunning.get(lane) ?? 1) - 1);
      lease.release();
      lease.release();
    };
    const timer = clock.setTimer(serviceMs, finish);
    lease.onAborted = finish;
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted || supervisor.process(lease.modelId).view().endpoint !== lease.endpoint) finish();
  }

  function perform(action: Act): void {
    const modelId = modelIds[action.model]!;
    const process = supervisor.process(modelId);
    switch (action.kind) {
      case 'request': {
        const abort = new AbortController();
        const lane = lanes[action.lane]!;
        const { priority, serviceMs, cancelAfterMs } = action;
        const what = `request ${tracked.length} for ${modelId}`;
        track(tracked, what, scheduler.acquire({ modelId, lane, priority, signal: abort.signal }), (lease) =>
          serve(lease, lane, serviceMs, abort.signal),
        );
        if (cancelAfterMs !== null) clock.setTimer(cancelAfterMs, () => abort.abort(new Error('client gone')));
        return;
      }
      case 'load':
        track(tracked, `load of ${modelId}`, scheduler.load(modelId, new AbortController().signal), () => undefined);
        return;
      case 'eject':
        if (action.mode === 'now') ejectedNow.add(modelId);
        track(
          ejects,
          `eject ${action.mode} of ${modelId}`,
          scheduler.eject(modelId, action.mode, new AbortController().signal),
          () => undefined,
        );
        return;
      case 'pin':
        scheduler.setPinned(modelId, action.isPinned);
        return;
      case 'crash': {
        const running = [...leases.get(modelId)!];
        process.crash();
        // Who sends a request to a dead process is told so by its connection, and lets go.
        if (process.view().endpoint === null)
          for (const lease of running) lease.onAborted?.(new AppError('upstream-unavailable', 'gone'));
        return;
      }
      case 'reset':
        scheduler.reset(modelId);
        return;
    }
  }

  for (const [pauseMs, action] of acts) {
    const endMs = clock.nowMs() + pauseMs;
    await passUntil(endMs);
    perform(action);
    await settle();
  }
  // Twice the longest wait: whoever is still there then would wait for ever.
  for (const id of modelIds) scheduler.setPinned(id, false);
  await passUntil(clock.nowMs() + 2 * maxWaitMs);

  expect(scheduler.queue(), 'still in the queue').toEqual([]);
  for (const { what, outcomes } of [...tracked, ...ejects]) expect(outcomes, what).toHaveLength(1);
  expect(
    tracked.filter(({ outcomes }) => outcomes[0] === 'queue-timeout').map(({ what }) => what),
    'starved',
  ).toEqual([]);
  for (const id of modelIds) {
    expect(scheduler.counts(id)).toMatchObject({ activeRequests: 0, waitingRequests: 0 });
    expect(supervisor.process(id).view().state, `${id} comes to rest`).toMatch(
      ttlMs === 0 ? /off|ready|crashed|failed/ : /off|crashed|failed/,
    );
  }
  await scheduler.close(0);

  async function passUntil(endMs: number): Promise<void> {
    for (;;) {
      await settle();
      const nextMs = clock.untilNextMs();
      if (nextMs === undefined || clock.nowMs() + nextMs > endMs) break;
      clock.advance(nextMs);
    }
    clock.advance(Math.max(0, endMs - clock.nowMs()));
    await settle();
  }
}

describe('the scheduler in a simulated world', () => {
  it('Q4 stops no model that answers, and keeps its other promises, whatever arrives, is cancelled, ejected, pinned or crashes', async () => {
    await fc.assert(fc.asyncProperty(world, play), { numRuns: 1000, endOnFailure: false });
  });
});
