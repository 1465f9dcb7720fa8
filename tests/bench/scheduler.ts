/**
 * Compares ways to decide who is loaded, on the same traces, simulated: no model runs and the same figures come out each
 * time. Prints Markdown; docs/scheduling.md has what it said.
 */
import { createCountRoom, type RoomPolicy } from '../../electron/engine/scheduler/room.ts';
import { createMemoryRoom } from '../../electron/engine/scheduler/memory-room.ts';
import {
  createMemoryWorld,
  offloadedNeed,
  ramDevice,
  type WorldModel,
} from '../unit/scheduler/support/memory-world.ts';
import { MACHINE_BYTES, traces, type Trace } from './scheduler-traces.ts';

interface Policy {
  readonly name: string;
  readonly fairnessBoundMs: number;
  readonly room: (trace: Trace) => RoomPolicy;
}

interface Figures {
  readonly loads: number;
  readonly loadedBytes: number;
  readonly meanWaitMs: number;
  readonly p95WaitMs: number;
  readonly maxWaitMs: number;
  readonly refused: number;
}

const byMemory = (): RoomPolicy =>
  createMemoryRoom({ count: createCountRoom({ maxLoaded: Number.POSITIVE_INFINITY, canEvict: true }), canEvict: true });

const bounds = (process.env['BENCH_BOUNDS'] ?? '2,10,30').split(',').map(Number);

const policies: readonly Policy[] = [
  ...bounds.map((bound) => ({ name: `memory, bound ${bound} s`, fairnessBoundMs: bound * 1000, room: byMemory })),
  { name: 'memory, first come first served', fairnessBoundMs: 0, room: byMemory },
  {
    name: 'least recently used by count',
    fairnessBoundMs: (bounds[0] ?? 0) * 1000,
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
    returnDelayMs: () => 200,
    maxQueued: 100_000,
  });
  const waitsMs: number[] = [];
  let refused = 0;
  let settled = 0;
  const ask = async ({ modelId, serviceMs }: { modelId: string; serviceMs: number }): Promise<void> => {
    const outcome = await world.ask(modelId, { serviceMs });
    settled += 1;
    if (outcome.kind === 'served') waitsMs.push(outcome.waitedMs);
    else refused += 1;
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
  const started = world.history.events.filter((event) => event.kind === 'started');
  const sorted = waitsMs.toSorted((one, other) => one - other);
  return {
    loads: started.length,
    loadedBytes: started.reduce(
      (sum, event) => sum + (event.kind === 'started' ? (trace.models[event.modelId]?.sizeBytes ?? 0) : 0),
      0,
    ),
    meanWaitMs: waitsMs.reduce((sum, each) => sum + each, 0) / waitsMs.length,
    p95WaitMs: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    maxWaitMs: sorted.at(-1) ?? 0,
    refused,
  };
}

const seconds = (durationMs: number): string => (durationMs / 1000).toFixed(1);

for (const trace of traces) {
  console.log(`\n**${trace.name}** (${trace.arrivals.length} requests)\n`);
  console.log('| policy | loads | TB loaded | mean wait, s | p95, s | longest, s |');
  console.log('|---|---:|---:|---:|---:|---:|');
  for (const policy of policies) {
    const { loads, loadedBytes, meanWaitMs, p95WaitMs, maxWaitMs, refused } = await play(trace, policy);
    const cells = [
      policy.name,
      loads,
      (loadedBytes / 1e12).toFixed(2),
      seconds(meanWaitMs),
      seconds(p95WaitMs),
      seconds(maxWaitMs),
    ];
    console.log(`| ${cells.join(' | ')} |${refused > 0 ? ` ${refused} refused` : ''}`);
  }
}
