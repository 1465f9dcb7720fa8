import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelState } from '#shared/model/model-state.ts';
import { RAM, type DeviceFacts, type MemoryFacts } from '../../../electron/engine/memory/device-facts.ts';
import { findPlacement } from '../../../electron/engine/memory/placement.ts';
import { availableBeside } from '../../../electron/engine/scheduler/explain-memory.ts';
import { createMemoryRoom } from '../../../electron/engine/scheduler/memory-room.ts';
import type { SetFacts } from '../../../electron/engine/scheduler/companions.ts';
import { createCountRoom, type RoomDecision } from '../../../electron/engine/scheduler/room.ts';
import type { ModelFacts } from '../../../electron/engine/scheduler/view.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';
import { GIB, offloadedNeed } from './support/memory-world.ts';

const nowMs = 100_000;

function gpu(id: string, totalGib: number, othersGib = 0): DeviceFacts {
  return {
    id,
    kind: 'gpu',
    totalBytes: totalGib * GIB,
    budgetBytes: totalGib * GIB,
    usedByOthersBytes: othersGib * GIB,
  };
}
const ram: DeviceFacts = { ...gpu(RAM, 64), kind: 'ram' };
const fresh = (...devices: DeviceFacts[]): MemoryFacts => ({ devices: [...devices, ram], isFresh: true });
const one = fresh(gpu('CUDA0', 20));

/** A model that holds so much of CUDA0; in GiB. */
function holding(id: string, gib: number, state: ModelState, changes: Partial<ModelFacts> = {}): ModelFacts {
  return {
    ...plainModelFacts,
    id,
    state,
    lastUsedMs: nowMs - 1000,
    reloadMs: 1000,
    reserved: new Map([['CUDA0', gib * GIB]]),
    ...changes,
  };
}
const asked = (gib: number, changes: Partial<ModelFacts> = {}): ModelFacts => ({
  ...plainModelFacts,
  id: 'x',
  need: offloadedNeed(gib * GIB),
  ...changes,
});

interface Options {
  readonly memory?: MemoryFacts | undefined;
  readonly maxLoaded?: number;
  readonly canEvict?: boolean;
  readonly wanted?: readonly string[];
  readonly sets?: readonly SetFacts[];
}

function decideRoom(models: readonly ModelFacts[], options: Options = {}): RoomDecision {
  const { memory = one, maxLoaded = Number.POSITIVE_INFINITY, canEvict = true, wanted = [], sets = [] } = options;
  const room = createMemoryRoom({ count: createCountRoom({ maxLoaded, canEvict, sets }), canEvict });
  return room({ nowMs, modelId: 'x', models, memory, isWanted: (id) => wanted.includes(id) });
}

/** `fits`, `evict a b`, `wait a`, `prepare a`, `never: message`. */
function told(decision: RoomDecision): string {
  switch (decision.kind) {
    case 'fits':
      return 'fits';
    case 'evict':
      return ['evict', ...decision.victims].join(' ');
    case 'wait':
    case 'prepare':
      return [decision.kind, ...decision.yielding].join(' ');
    case 'never':
      return `never: ${decision.message}`;
  }
}

const busy = { activeRequests: 1 };
const cases: readonly ({ name: string; models: readonly ModelFacts[]; told: string | RegExp } & Options)[] = [
  { name: 'nothing known of the need', models: [asked(5, { need: undefined })], told: 'prepare' },
  { name: 'nobody there', models: [asked(5)], told: 'fits' },
  { name: 'room beside others', models: [asked(5), holding('a', 15, 'ready')], told: 'fits' },
  { name: 'one idle in the way', models: [asked(6), holding('a', 15, 'ready')], told: 'evict a' },
  {
    name: 'the stalest of two suffices',
    models: [asked(6), holding('a', 8, 'ready', { lastUsedMs: nowMs - 9000 }), holding('b', 8, 'ready')],
    told: 'evict a',
  },
  {
    name: 'the stalest is too small: the other one alone',
    models: [asked(11), holding('a', 2, 'ready', { lastUsedMs: 0 }), holding('b', 10, 'ready')],
    told: 'evict b',
  },
  {
    name: 'both have to go',
    models: [asked(18), holding('a', 8, 'ready', { lastUsedMs: 0 }), holding('b', 8, 'ready')],
    told: 'evict a b',
  },
  {
    name: 'cheap to bring back goes before stale',
    models: [
      asked(6),
      holding('a', 8, 'ready', { lastUsedMs: nowMs - 4000, reloadMs: 40_000 }),
      holding('b', 8, 'ready', { lastUsedMs: nowMs - 1000, reloadMs: 2000 }),
    ],
    told: 'evict b',
  },
  {
    name: 'lower priority goes first',
    models: [asked(6), holding('a', 8, 'ready', { lastUsedMs: 0, priority: 1 }), holding('b', 8, 'ready')],
    told: 'evict b',
  },
  { name: 'busy: waited for', models: [asked(6), holding('a', 15, 'ready', busy)], told: 'wait a' },
  { name: 'wanted: waited for', models: [asked(6), holding('a', 15, 'ready')], wanted: ['a'], told: 'wait a' },
  {
    name: 'idle before busy',
    models: [asked(6), holding('a', 8, 'ready', { ...busy, lastUsedMs: 0 }), holding('b', 8, 'ready')],
    told: 'evict b',
  },
  {
    name: 'idle and busy needed: nothing goes yet',
    models: [asked(18), holding('a', 8, 'ready', busy), holding('b', 8, 'ready')],
    told: 'wait b a',
  },
  {
    name: 'pinned: never',
    models: [asked(6), holding('a', 15, 'ready', { isPinned: true })],
    told: /^never: It needs 6\.4 GB.*free are 5\.4 GB of CUDA0.*pinned: a 16\.1 GB/,
  },
  { name: 'draining: on its way', models: [asked(6), holding('a', 15, 'draining', busy)], told: 'wait' },
  { name: 'stopping: on its way', models: [asked(6), holding('a', 15, 'stopping')], told: 'wait' },
  { name: 'gone, memory not back: on its way', models: [asked(6), holding('a', 15, 'off')], told: 'wait' },
  { name: 'its own memory is not back', models: [asked(6, { reserved: new Map([['CUDA0', GIB]]) })], told: 'wait' },
  { name: 'one loads and may go later', models: [asked(6), holding('a', 15, 'loading')], told: 'wait' },
  {
    name: 'one loads and is pinned',
    models: [asked(6), holding('a', 15, 'loading', { isPinned: true })],
    told: /^never: /,
  },
  {
    name: 'larger than everything, and nothing goes for it',
    models: [asked(21), holding('a', 5, 'ready')].map((each) =>
      each.id === 'x' ? { ...each, need: offloadedNeed(21 * GIB, { offload: 'all' }) } : each,
    ),
    told: /^never: It needs 22\.5 GB of GPU memory and 537 MB of system memory, and 21\.5 GB of CUDA0.*Choose a smaller quantization/,
  },
  {
    name: 'too large because of others',
    models: [asked(15, { need: offloadedNeed(15 * GIB, { offload: 'all' }) })],
    memory: fresh(gpu('CUDA0', 20, 10)),
    told: /other programs hold the rest\. Close some/,
  },
  {
    name: 'too large for accelerators: in part, once they are empty',
    models: [asked(30), holding('a', 5, 'ready')],
    told: 'evict a',
  },
  { name: 'reject: fits', models: [asked(5), holding('a', 15, 'ready')], canEvict: false, told: 'fits' },
  {
    name: 'reject: full',
    models: [asked(6), holding('a', 15, 'ready')],
    canEvict: false,
    told: /^never: .*`reject`: a 16\.1 GB/,
  },
  {
    name: 'reject: what leaves anyway is waited for',
    models: [asked(6), holding('a', 15, 'stopping')],
    canEvict: false,
    told: 'wait',
  },
  {
    name: 'ran out of memory: all that is idle goes though it fits',
    models: [
      asked(1, { clearsIdle: true }),
      holding('a', 1, 'ready', { lastUsedMs: 0 }),
      holding('b', 1, 'ready'),
      holding('c', 1, 'ready', busy),
      holding('p', 1, 'ready', { isPinned: true }),
    ],
    told: 'evict a b',
  },
  {
    name: 'ran out of memory: the way back of what went is waited for',
    models: [asked(1, { clearsIdle: true }), holding('a', 1, 'stopping')],
    told: 'wait',
  },
  {
    name: 'ran out of memory: once they are gone it is tried beside the busy',
    models: [asked(1, { clearsIdle: true }), holding('c', 1, 'ready', busy)],
    told: 'fits',
  },
  {
    name: 'ran out of memory under reject: nothing goes',
    models: [asked(1, { clearsIdle: true }), holding('a', 1, 'ready')],
    canEvict: false,
    told: 'fits',
  },
  {
    name: 'places count too',
    models: [asked(1), holding('a', 1, 'ready'), holding('b', 1, 'ready', { lastUsedMs: 0 })],
    maxLoaded: 2,
    told: 'evict b',
  },
  {
    name: 'a place is freed and memory with it',
    models: [asked(18), holding('a', 5, 'ready')],
    maxLoaded: 1,
    told: 'evict a',
  },
  {
    name: 'a place is freed and more memory is needed',
    models: [asked(18), holding('a', 1, 'ready', { lastUsedMs: 0 }), holding('b', 10, 'ready')],
    maxLoaded: 2,
    told: 'evict a b',
  },
  {
    name: 'places held by the pinned',
    models: [asked(1), holding('a', 1, 'ready', { isPinned: true })],
    maxLoaded: 1,
    told: /memory\.maxLoaded/,
  },
  {
    name: 'an exclusive set takes all others away',
    models: [asked(1), holding('a', 1, 'ready')],
    sets: [{ name: 'big', models: ['x'], isExclusive: true }],
    told: 'evict a',
  },
  {
    name: 'devices that nobody knows: places decide',
    models: [asked(50), holding('a', 1, 'ready')],
    memory: { devices: [], isFresh: true },
    told: 'fits',
  },
  { name: 'facts too old to act on', models: [asked(5)], memory: { ...one, isFresh: false }, told: 'prepare' },
  {
    name: 'facts too old to evict on: who will have to go',
    models: [asked(6), holding('a', 15, 'ready')],
    memory: { ...one, isFresh: false },
    told: 'prepare a',
  },
  {
    name: 'facts too old to refuse on',
    models: [asked(6), holding('a', 15, 'ready', { isPinned: true })],
    memory: { ...one, isFresh: false },
    told: 'prepare',
  },
  {
    name: 'facts good enough to wait on',
    models: [asked(6), holding('a', 15, 'ready', busy)],
    memory: { ...one, isFresh: false },
    told: 'wait a',
  },
];

describe('room by memory', () => {
  it.each(cases)('$name', ({ models, told: expected, ...options }) => {
    const decision = told(decideRoom(models, options));
    if (typeof expected === 'string') expect(decision).toBe(expected);
    else expect(decision).toMatch(expected);
  });

  it('leaves it to the number of places while nothing is known of memory', () => {
    const room = createMemoryRoom({ count: createCountRoom({ maxLoaded: 1, canEvict: true }), canEvict: true });
    const models = [asked(5, { need: undefined }), holding('a', 1, 'ready')];
    expect(room({ nowMs, modelId: 'x', models, memory: undefined, isWanted: () => false })).toEqual({
      kind: 'evict',
      victims: ['a'],
    });
  });
});

const states: readonly ModelState[] = [
  'off',
  'starting',
  'loading',
  'ready',
  'ready',
  'ready',
  'ready',
  'draining',
  'stopping',
  'crashed',
  'failed',
];
const anyModel = fc.record({
  state: fc.constantFrom(...states),
  on: fc.array(fc.tuple(fc.constantFrom('CUDA0', 'CUDA1', RAM), fc.integer({ min: 1, max: 12 })), { maxLength: 2 }),
  activeRequests: fc.constantFrom(0, 0, 1, 3),
  isPinned: fc.constantFrom(false, false, false, true),
  priority: fc.constantFrom(0, 0, 1),
  lastUsedMs: fc.integer({ min: 0, max: nowMs }),
  reloadMs: fc.integer({ min: 0, max: 40_000 }),
  isWanted: fc.constantFrom(false, false, true),
});
const anyWorld = fc.record({
  others: fc.array(anyModel, { maxLength: 7 }),
  need: fc.integer({ min: 1, max: 40 }),
  offload: fc.constantFrom('auto' as const, 'all' as const, 'none' as const),
  canEvict: fc.constantFrom(true, true, false),
  clearsIdle: fc.constantFrom(false, false, false, true),
  maxLoaded: fc.constantFrom(Number.POSITIVE_INFINITY, 2, 4),
});
const devices = [gpu('CUDA0', 24, 1), gpu('CUDA1', 12), ram];

describe('whatever is loaded', () => {
  it('nobody busy, leaving, pinned or wanted is evicted, what fits does fit, and no victim could be spared', () => {
    fc.assert(
      fc.property(anyWorld, ({ others, need, offload, canEvict, clearsIdle, maxLoaded }) => {
        const models = others.map(({ on, isWanted: _, ...facts }, index): ModelFacts => ({
          ...plainModelFacts,
          ...facts,
          id: `m${index}`,
          activeRequests: facts.state === 'ready' || facts.state === 'draining' ? facts.activeRequests : 0,
          reserved: new Map(on.map(([device, gib]) => [device, gib * GIB])),
        }));
        const wanted = new Set(others.flatMap(({ isWanted }, index) => (isWanted ? [`m${index}`] : [])));
        const x = asked(need, { clearsIdle, need: offloadedNeed(need * GIB, { offload }) });
        const count = createCountRoom({ maxLoaded, canEvict });
        const question = {
          nowMs,
          modelId: 'x',
          models: [x, ...models],
          isWanted: (id: string) => wanted.has(id),
          memory: { devices, isFresh: true },
        };
        const decision = createMemoryRoom({ count, canEvict })(question);
        const placeBeside = (staying: readonly ModelFacts[]) => {
          const holders = staying.filter(({ reserved }) => reserved.size > 0);
          return findPlacement(x.need!, devices, availableBeside(holders, devices));
        };
        if (decision.kind === 'fits') expect(placeBeside(models)).toEqual(decision.placement);
        if (decision.kind !== 'evict') return;
        expect(canEvict).toBe(true);
        expect(new Set(decision.victims).size).toBe(decision.victims.length);
        const victims = models.filter(({ id }) => decision.victims.includes(id));
        expect(victims).toHaveLength(decision.victims.length);
        for (const { id, state, activeRequests, isPinned } of victims) {
          expect({ id, state, activeRequests, isPinned }).toEqual({
            id,
            state: 'ready',
            activeRequests: 0,
            isPinned: false,
          });
          expect(wanted.has(id)).toBe(false);
        }
        // Places and a load that ran out of memory take more than memory asks for.
        if (clearsIdle || count(question).kind !== 'fits') return;
        const isComing = ({ state }: ModelFacts): boolean => !['starting', 'loading', 'ready'].includes(state);
        const staying = models.filter((model) => !isComing(model) && !victims.includes(model));
        expect(placeBeside(staying)).toBeDefined();
        for (const spared of victims) expect(placeBeside([...staying, spared])).toBeUndefined();
      }),
      { numRuns: 10_000 },
    );
  });
});
