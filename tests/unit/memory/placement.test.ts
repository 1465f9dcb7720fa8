import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RAM, type DeviceFacts, type ModelNeed } from '../../../electron/engine/memory/device-facts.ts';
import { emptyRoom, findPlacement, fitsAlone } from '../../../electron/engine/memory/placement.ts';

const GIB = 1024 ** 3;

/** Sizes in GiB. */
function gpu(
  id: string,
  total: number,
  changes: { budget?: number; others?: number; kind?: 'unified' } = {},
): DeviceFacts {
  return {
    id,
    kind: changes.kind ?? 'gpu',
    totalBytes: total * GIB,
    budgetBytes: (changes.budget ?? total) * GIB,
    usedByOthersBytes: (changes.others ?? 0) * GIB,
  };
}
const ram = (total: number): DeviceFacts => ({ ...gpu(RAM, total), kind: 'ram' });

function need(offloaded: number, changes: Partial<ModelNeed> = {}): ModelNeed {
  return {
    source: 'estimate',
    offloadedBytes: offloaded * GIB,
    perDeviceBytes: GIB,
    hostBytes: GIB,
    cpuBytes: (offloaded + 1) * GIB,
    offload: 'auto',
    devices: [],
    ...changes,
  };
}

interface Case {
  readonly name: string;
  readonly need: ModelNeed;
  readonly devices: readonly DeviceFacts[];
  /** Available in GiB; what the devices have when empty if left out. */
  readonly available?: Readonly<Record<string, number>>;
  /** In GiB by device, or no place. */
  readonly bytes: Readonly<Record<string, number>> | undefined;
  readonly isSubset?: boolean;
  readonly isPartial?: boolean;
  readonly split?: readonly number[];
}

const two = [gpu('CUDA0', 24), gpu('CUDA1', 12), ram(64)];

const cases: readonly Case[] = [
  {
    name: 'the smallest accelerator that has enough',
    need: need(8),
    devices: two,
    bytes: { CUDA1: 8, RAM: 1 },
    isSubset: true,
  },
  {
    name: 'the larger one where the smaller is too small',
    need: need(13),
    devices: two,
    bytes: { CUDA0: 13, RAM: 1 },
    isSubset: true,
  },
  {
    name: 'the one with the least room now, not the least memory',
    need: need(8),
    devices: two,
    available: { CUDA0: 9, CUDA1: 12, RAM: 64 },
    bytes: { CUDA0: 8, RAM: 1 },
    isSubset: true,
  },
  { name: 'to the byte', need: need(12), devices: two, bytes: { CUDA1: 12, RAM: 1 }, isSubset: true },
  {
    name: 'split in proportion to the room, the context on each',
    need: need(28),
    devices: two,
    // 27 GiB of layers over 23 and 11 GiB, and one more on each.
    bytes: { CUDA0: 1 + (27 * 23) / 34, CUDA1: 1 + (27 * 11) / 34, RAM: 1 },
    split: [0.664, 0.336],
  },
  {
    name: 'split over as few as possible',
    need: need(30),
    devices: [gpu('A', 10), gpu('B', 20), gpu('C', 20), ram(64)],
    bytes: { B: 15.5, C: 15.5, RAM: 1 },
    split: [0.5, 0.5],
    isSubset: true,
  },
  {
    name: 'within the budget',
    need: need(8),
    devices: [gpu('CUDA0', 24, { budget: 6 }), gpu('CUDA1', 12), ram(64)],
    bytes: { CUDA1: 8, RAM: 1 },
    isSubset: true,
  },
  {
    name: 'beside other programs',
    need: need(8),
    devices: [gpu('CUDA0', 24), gpu('CUDA1', 12, { others: 6 }), ram(64)],
    bytes: { CUDA0: 8, RAM: 1 },
    isSubset: true,
  },
  {
    name: 'only on the devices it may use',
    need: need(8, { devices: ['CUDA0'] }),
    devices: two,
    bytes: { CUDA0: 8, RAM: 1 },
  },
  {
    name: 'waits where those devices are full now',
    need: need(8, { devices: ['CUDA0'] }),
    devices: two,
    available: { CUDA0: 7, CUDA1: 12, RAM: 64 },
    bytes: undefined,
  },
  {
    name: 'on the processor where it may use no device there is',
    need: need(8, { devices: ['ROCm0'] }),
    devices: two,
    bytes: { RAM: 9 },
  },
  {
    name: 'on the processor if it must not be offloaded, named as such',
    need: need(8, { offload: 'none' }),
    devices: two,
    bytes: { RAM: 9 },
  },
  { name: 'on the processor without accelerators', need: need(8), devices: [ram(16)], bytes: { RAM: 9 } },
  { name: 'nowhere if the processor lacks memory', need: need(16), devices: [ram(16)], bytes: undefined },
  {
    name: 'on accelerators in part if nothing holds it even empty',
    need: need(40),
    devices: two,
    bytes: { CUDA0: 24, CUDA1: 12, RAM: 5 },
    isPartial: true,
  },
  {
    name: 'not in part while somebody else is on them: it would crawl for good',
    need: need(40),
    devices: two,
    available: { CUDA0: 24, CUDA1: 8, RAM: 64 },
    bytes: undefined,
  },
  {
    name: 'not in part if empty accelerators would hold it',
    need: need(28),
    devices: two,
    available: { CUDA0: 10, CUDA1: 12, RAM: 64 },
    bytes: undefined,
  },
  {
    name: 'not in part if all layers must be offloaded',
    need: need(40, { offload: 'all' }),
    devices: two,
    bytes: undefined,
  },
  {
    name: 'not in part if what is left is too much for the system',
    need: need(40),
    devices: [gpu('CUDA0', 24), ram(8)],
    bytes: undefined,
  },
  {
    name: 'on the processor if the accelerators could give next to nothing',
    need: need(8),
    devices: [gpu('CUDA0', 24, { others: 23.8 }), ram(64)],
    bytes: { RAM: 9 },
    isSubset: true,
  },
  {
    name: 'nowhere where no device has room for more than what comes with each',
    need: need(0.5, { offload: 'all' }),
    devices: [gpu('A', 0.4), gpu('B', 0.4), ram(64)],
    bytes: undefined,
  },
  {
    name: 'no place if the host part does not fit',
    need: need(8),
    devices: [gpu('CUDA0', 24), ram(0.5)],
    bytes: undefined,
  },
  {
    name: 'unknown system memory is no reason to refuse',
    need: need(8),
    devices: [gpu('CUDA0', 24)],
    bytes: { CUDA0: 8, RAM: 1 },
  },
  {
    name: 'unified memory counts what the host needs, too',
    need: need(8),
    devices: [gpu('MTL0', 16, { kind: 'unified' })],
    bytes: { MTL0: 9 },
  },
  {
    name: 'unified memory that holds the layers but not the host part',
    need: need(15.5, { offload: 'all' }),
    devices: [gpu('MTL0', 16, { kind: 'unified' })],
    bytes: undefined,
  },
  {
    name: 'an unknown need takes nothing',
    need: need(0, { source: 'unknown', hostBytes: 0, cpuBytes: 0, perDeviceBytes: 0 }),
    devices: two,
    bytes: { CUDA1: 0 },
    isSubset: true,
  },
];

const gib = (entries: Iterable<readonly [string, number]>): Record<string, number> =>
  Object.fromEntries([...entries].map(([device, bytes]) => [device, Math.round((bytes / GIB) * 1000) / 1000]));

describe('findPlacement', () => {
  it.each(cases)('$name', (each) => {
    const { isSubset = false, isPartial = false, split = [] } = each;
    const available =
      each.available === undefined
        ? emptyRoom(each.devices)
        : new Map(Object.entries(each.available).map(([device, size]) => [device, size * GIB]));
    const placement = findPlacement(each.need, each.devices, available);
    if (each.bytes === undefined) {
      expect(placement).toBeUndefined();
      return;
    }
    expect(gib(placement?.bytes ?? [])).toEqual(gib(Object.entries(each.bytes).map(([id, size]) => [id, size * GIB])));
    expect(placement).toMatchObject({
      isSubset: each.name.includes('processor') ? placement?.isSubset : isSubset,
      isPartial,
      split,
    });
  });

  it('names the processor where there are accelerators it may not have', () => {
    const tiny = [gpu('CUDA0', 24, { others: 23.8 }), ram(64)];
    expect(findPlacement(need(8), tiny, emptyRoom(tiny))).toMatchObject({ devices: [], isSubset: true });
    expect(findPlacement(need(8), [ram(64)], emptyRoom([ram(64)]))).toMatchObject({ devices: [], isSubset: false });
  });

  const size = fc.double({ min: 0, max: 32, noNaN: true });
  const world = fc.record({
    gpus: fc.array(fc.record({ total: size, others: size, taken: size, budget: size, isUnified: fc.boolean() }), {
      maxLength: 4,
    }),
    ramTotal: fc.option(size, { nil: undefined }),
    ramTaken: size,
    offloaded: size,
    perDevice: fc.double({ min: 0, max: 2, noNaN: true }),
    host: fc.double({ min: 0, max: 4, noNaN: true }),
    offload: fc.constantFrom('none' as const, 'auto' as const, 'all' as const),
    only: fc.array(fc.constantFrom('G0', 'G1', 'G2', 'X'), { maxLength: 2 }),
  });

  it('never places more than is available, nor where it may not go', () => {
    fc.assert(
      fc.property(world, ({ gpus, ramTotal, ramTaken, offloaded, perDevice, host, offload, only }) => {
        const devices = [
          ...gpus.map(({ total, others, budget, isUnified }, index) =>
            gpu(`G${index}`, total, { others, budget, ...(isUnified ? { kind: 'unified' as const } : {}) }),
          ),
          ...(ramTotal === undefined ? [] : [ram(ramTotal)]),
        ];
        const available = emptyRoom(devices);
        gpus.forEach(({ taken }, index) => available.set(`G${index}`, (available.get(`G${index}`) ?? 0) - taken * GIB));
        if (ramTotal !== undefined) available.set(RAM, (available.get(RAM) ?? 0) - ramTaken * GIB);
        const wanted = need(offloaded, {
          perDeviceBytes: perDevice * GIB,
          hostBytes: host * GIB,
          offload,
          devices: only,
        });
        const placement = findPlacement(wanted, devices, available);
        if (placement === undefined) return;
        for (const [device, bytes] of placement.bytes) {
          expect(bytes).toBeGreaterThanOrEqual(0);
          expect(bytes).toBeLessThanOrEqual((available.get(device) ?? Number.POSITIVE_INFINITY) * (1 + 1e-9) + 1);
        }
        for (const device of placement.devices) {
          expect(device).not.toBe(RAM);
          if (only.length > 0) expect(only).toContain(device);
        }
        if (offload === 'all') expect(placement.isPartial).toBe(false);
        if (offload === 'none') expect(placement.devices).toEqual([]);
        if (placement.devices.length > 0 && !placement.isPartial) {
          const onDevices = placement.devices.reduce((sum, device) => sum + (placement.bytes.get(device) ?? 0), 0);
          const overheads = (placement.devices.length - 1) * perDevice * GIB;
          // Where there is no system memory of its own, the host's part is on the accelerator that shares it.
          const shared = devices.some(({ kind }) => kind === 'ram')
            ? undefined
            : devices.find(({ kind }) => kind === 'unified')?.id;
          const hostPart = shared !== undefined && placement.devices.includes(shared) ? host * GIB : 0;
          expect(onDevices).toBeCloseTo(offloaded * GIB + overheads + hostPart, -3);
        }
        expect(placement.split).toHaveLength(
          placement.devices.length > 1 && !placement.isPartial ? placement.devices.length : 0,
        );
        // What has a place now has one when everything is empty.
        expect(fitsAlone(wanted, devices)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('fitsAlone', () => {
  it('counts what other programs hold, unless that is to be left out', () => {
    const devices = [gpu('CUDA0', 24, { others: 20 }), ram(2)];
    expect(fitsAlone(need(8), devices)).toBe(false);
    expect(fitsAlone(need(8), devices, { ignoresOthers: true })).toBe(true);
  });
});
