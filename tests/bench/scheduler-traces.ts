import { createSeededRandom } from '../fakes/seeded-random.ts';
import { GIB } from '../unit/scheduler/support/memory-world.ts';

export interface TraceModel {
  readonly sizeBytes: number;
  readonly loadMs: number;
}

export interface Arrival {
  readonly atMs: number;
  readonly modelId: string;
  readonly serviceMs: number;
}

export interface Trace {
  readonly name: string;
  readonly models: Readonly<Record<string, TraceModel>>;
  /** How many of the models fit into memory whichever they are: the number that counting alone needs to be safe. */
  readonly safePlaces: number;
  readonly concurrency: number;
  /** In the order of time; or each asked for when the one before is answered. */
  readonly arrivals: readonly Arrival[];
  readonly isClosedLoop: boolean;
}

const HOUR_MS = 3_600_000;

/** One second to start, then 2 GiB/s: an NVMe disk and a GPU on PCIe 4. */
const sized = (sizeGib: number): TraceModel => ({ sizeBytes: sizeGib * GIB, loadMs: 1000 + sizeGib * 500 });

/** Machine of all traces: one accelerator of 24 GiB. */
export const MACHINE_BYTES = 24 * GIB;

const eight: Readonly<Record<string, TraceModel>> = {
  m0: sized(9),
  m1: sized(5),
  m2: sized(3),
  m3: sized(12),
  m4: sized(2),
  m5: sized(7),
  m6: sized(1),
  m7: sized(18),
};

function poisson(
  seed: number,
  meanGapMs: number,
  arrival: (random: ReturnType<typeof createSeededRandom>) => Omit<Arrival, 'atMs'>,
): Arrival[] {
  const random = createSeededRandom(seed);
  const arrivals: Arrival[] = [];
  for (let atMs = 0; ;) {
    atMs += random.exponential(meanGapMs);
    if (atMs > HOUR_MS) return arrivals;
    arrivals.push({ atMs, ...arrival(random) });
  }
}

const open = { isClosedLoop: false, concurrency: 4 };

export const traces: readonly Trace[] = [
  {
    ...open,
    name: 'Zipf over eight models',
    models: eight,
    safePlaces: 1,
    arrivals: poisson(1, 6000, (random) => ({
      modelId: `m${random.zipf(8, 1)}`,
      serviceMs: random.exponential(4000),
    })),
  },
  {
    ...open,
    name: 'bursts of ten',
    models: eight,
    safePlaces: 1,
    arrivals: poisson(2, 60_000, (random) => ({
      modelId: `m${random.zipf(8, 0.7)}`,
      serviceMs: random.exponential(3000),
    })).flatMap((first) => Array.from({ length: 10 }, (_, index) => ({ ...first, atMs: first.atMs + index * 300 }))),
  },
  {
    ...open,
    name: 'two tenants, light',
    models: { a: sized(14), b: sized(16) },
    safePlaces: 1,
    arrivals: poisson(3, 15_000, (random) => ({
      modelId: random.pick(['a', 'b']),
      serviceMs: random.exponential(4000),
    })),
  },
  {
    ...open,
    name: 'two tenants, busy',
    models: { a: sized(14), b: sized(16) },
    safePlaces: 1,
    arrivals: poisson(4, 2500, (random) => ({ modelId: random.pick(['a', 'b']), serviceMs: random.exponential(4000) })),
  },
  {
    name: 'agent with two models',
    models: { planner: sized(14), coder: sized(16) },
    safePlaces: 1,
    concurrency: 1,
    isClosedLoop: true,
    arrivals: Array.from({ length: 400 }, (_, index) => ({
      atMs: 0,
      modelId: index % 4 === 0 ? 'planner' : 'coder',
      serviceMs: 3000,
    })),
  },
  {
    name: 'flood and a guest',
    models: { a: sized(14), b: sized(16) },
    safePlaces: 1,
    concurrency: 16,
    isClosedLoop: false,
    arrivals: [
      ...poisson(6, 300, (random) => ({ modelId: 'a', serviceMs: random.exponential(3000) })),
      ...poisson(7, 90_000, () => ({ modelId: 'b', serviceMs: 3000 })),
    ].toSorted((one, other) => one.atMs - other.atMs),
  },
];
