/**
 * Compares ways to decide who is loaded, on the same traces, simulated: no model runs and the same figures come out each
 * time. Prints Markdown; docs/scheduling.md has what it said.
 */
import { configSchema } from '../../electron/engine/config/schema.ts';
import type { ModelFacts, SchedulerFacts, WaitingFacts } from '../../electron/engine/scheduler/view.ts';
import { createSeededRandom } from '../fakes/seeded-random.ts';
import { createCountRoom, type RoomPolicy } from '../../electron/engine/scheduler/room.ts';
import { decide } from '../../electron/engine/scheduler/decide.ts';
import { createMemoryRoom } from '../../electron/engine/scheduler/memory-room.ts';
import {
  createMemoryWorld,
  offloadedNeed,
  ramDevice,
  type WorldModel,
} from '../unit/scheduler/support/memory-world.ts';
import { percentile } from './statistics.ts';
import { MACHINE_BYTES, traces, type Trace } from './scheduler-traces.ts';

interface Policy {
  readonly name: string;
  readonly fairnessBoundMs: number;
  /** Neither who is evicted nor how long a model keeps its place goes by the time its load takes. */
  readonly hidesLoadTimes?: boolean;
  readonly room: (trace: Trace) => RoomPolicy;
}

interface Figures {
  readonly loads: number;
  readonly loadedBytes: number;
  readonly meanWaitMs: number;
  readonly p95WaitMs: number;
  readonly maxWaitMs: number;
  /** Of those who asked for the model that is asked for least. */
  readonly rareWaitMs: number;
  readonly refused: number;
}

const byMemory = (): RoomPolicy =>
  createMemoryRoom({ count: createCountRoom({ maxLoaded: Number.POSITIVE_INFINITY, canEvict: true }), canEvict: true });

const defaultBoundMs = configSchema.parse({}).scheduler.fairnessBound;

const policies: readonly Policy[] = [
  { name: 'as shipped', fairnessBoundMs: defaultBoundMs, room: byMemory },
  { name: 'bound of 10 s', fairnessBoundMs: 10_000, room: byMemory },
  { name: 'bound of 30 s', fairnessBoundMs: 30_000, room: byMemory },
  { name: 'load times left out', fairnessBoundMs: defaultBoundMs, hidesLoadTimes: true, room: byMemory },
  { name: 'first come, first served', fairnessBoundMs: 0, hidesLoadTimes: true, room: byMemory },
  {
    name: 'least recently used, counted',
    fairnessBoundMs: defaultBoundMs,
    room: ({ safePlaces }) => createCountRoom({ maxLoaded: safePlaces, canEvict: true }),
  },
];

async function play(trace: Trace, policy: Policy): Promise<Figures> {
  const world = createMemoryWorld({
    devices: [{ id: 'CUDA0', kind: 'gpu', totalBytes: MACHINE_BYTES, tellsProcesses: true }, ramDevice(64 * 1024 ** 3)],
    models: Object.fromEntries(
      Object.entries(trace.models).map(([modelId, { sizeBytes, loadMs }]): [string, WorldModel] => [
        modelId,
        {
          need: offloadedNeed(sizeBytes),
          truth: 1,
          loadMs,
          stopMs: 300,
          config: { concurrency: trace.concurrency, queue: { max: 100_000, maxWaitMs: 24 * 3_600_000 } },
        },
      ]),
    ),
    room: policy.room(trace),
    fairnessBoundMs: policy.fairnessBoundMs,
    hidesLoadTimes: policy.hidesLoadTimes ?? false,
    returnDelayMs: () => 200,
    maxQueued: 100_000,
  });
  const waitsMs: number[] = [];
  const rareWaitsMs: number[] = [];
  const rarest = rarestOf(trace);
  let refused = 0;
  let settled = 0;
  const ask = async ({ modelId, serviceMs }: { modelId: string; serviceMs: number }): Promise<void> => {
    const outcome = await world.ask(modelId, { serviceMs });
    settled += 1;
    if (outcome.kind === 'served') waitsMs.push(outcome.waitedMs);
    else refused += 1;
    if (modelId === rarest) rareWaitsMs.push(outcome.waitedMs);
  };
  for (const arrival of trace.arrivals) {
    if (trace.isClosedLoop) {
      const before = settled;
      void ask(arrival);
      while (settled === before) await world.passUntil(world.clock.nowMs() + 100);
      await world.passUntil(world.clock.nowMs() + arrival.serviceMs);
    } else {
      await world.passUntil(arrival.atMs);
      void ask(arrival);
    }
  }
  while (settled < trace.arrivals.length) await world.passUntil(world.clock.nowMs() + 60_000);
  const started = world.history.events.flatMap((event) => (event.kind === 'started' ? [event.modelId] : []));
  const sorted = waitsMs.toSorted((one, other) => one - other);
  return {
    loads: started.length,
    loadedBytes: started.reduce((sum, modelId) => sum + (trace.models[modelId]?.sizeBytes ?? 0), 0),
    meanWaitMs: meanOf(waitsMs),
    rareWaitMs: meanOf(rareWaitsMs),
    p95WaitMs: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    maxWaitMs: sorted.at(-1) ?? 0,
    refused,
  };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;

function rarestOf({ models, arrivals }: Trace): string | undefined {
  const count = (modelId: string): number => arrivals.filter((arrival) => arrival.modelId === modelId).length;
  return Object.keys(models).toSorted((one, other) => count(one) - count(other))[0];
}

const seconds = (durationMs: number): string => (durationMs / 1000).toFixed(1);

for (const trace of traces) {
  console.log(`\n**${trace.name}** (${trace.arrivals.length} requests)\n`);
  console.log('| policy | loads | TB loaded | mean wait, s | p95, s | longest, s | mean of the rarest, s |');
  console.log('|---|---:|---:|---:|---:|---:|---:|');
  for (const policy of policies) {
    const { loads, loadedBytes, meanWaitMs, p95WaitMs, maxWaitMs, rareWaitMs, refused } = await play(trace, policy);
    const cells = [
      policy.name,
      loads,
      (loadedBytes / 1e12).toFixed(2),
      seconds(meanWaitMs),
      seconds(p95WaitMs),
      seconds(maxWaitMs),
      seconds(rareWaitMs),
    ];
    console.log(`| ${cells.join(' | ')} |${refused > 0 ? ` ${refused} refused` : ''}`);
  }
}

/** One decision over many models and a long queue. */
function measureDecision(): void {
  const random = createSeededRandom(1);
  const gpus = Array.from({ length: 4 }, (_, index) => `CUDA${index}`);
  const models = Array.from({ length: 50 }, (_, index): ModelFacts => {
    const isLoaded = index < 12;
    return {
      id: `m${index}`,
      state: isLoaded ? 'ready' : 'off',
      activeRequests: isLoaded && index < 6 ? 4 : 0,
      concurrency: 4,
      isPinned: index === 0,
      priority: index % 3,
      lastUsedMs: random.between(0, 100_000),
      readyAtMs: 0,
      ttlMs: 1_800_000,
      nextStartAtMs: 0,
      eject: undefined,
      need: offloadedNeed(random.between(2, 40) * 1024 ** 3),
      reserved: isLoaded ? new Map([[gpus[index % 4] ?? '', 7 * 1024 ** 3]]) : new Map<string, number>(),
      clearsIdle: false,
      reloadMs: 5000,
    };
  });
  const waiting = Array.from({ length: 1000 }, (_, order): WaitingFacts => ({
    id: `r${order}`,
    modelId: `m${random.zipf(50, 1)}`,
    lane: 'default',
    kind: 'request',
    isOptional: false,
    priority: 0,
    order,
    enqueuedMs: 99_000 + order,
    deadlineMs: 1_000_000,
  }));
  const facts: SchedulerFacts = {
    nowMs: 100_000,
    models: new Map(models.map((model) => [model.id, model])),
    waiting,
    laneActive: new Map(),
    laneLimits: new Map(),
    fairnessBoundMs: defaultBoundMs,
    memory: {
      devices: gpus.map((id) => ({
        id,
        kind: 'gpu',
        totalBytes: MACHINE_BYTES,
        budgetBytes: MACHINE_BYTES,
        usedByOthersBytes: 0,
      })),
      isFresh: true,
    },
    gameMode: 'off',
  };
  const room = byMemory();
  const timesMs = Array.from({ length: 2000 }, () => {
    const startedMs = performance.now();
    decide(facts, room);
    return performance.now() - startedMs;
  }).slice(200);
  const part = (value: number): string => percentile(timesMs, value).toFixed(3);
  console.log('\n**One decision**: 1,000 waiting, 50 models (12 loaded), 4 GPUs\n');
  console.log(`median ${part(0.5)} ms, p99 ${part(0.99)} ms on Node ${process.version}`);
}

measureDecision();
