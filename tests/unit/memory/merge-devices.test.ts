import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeDevices, type MemoryDevice, type ProbedDevice } from '../../../electron/engine/memory/merge-devices.ts';
import { probedDevice, ramReading } from './support/devices.ts';
import { MIB } from './support/fixtures.ts';

function vendor(uuid: string, overrides: Partial<ProbedDevice> = {}): ProbedDevice {
  return probedDevice({ id: uuid, uuid, usedByPid: new Map(), ...overrides });
}

function listed(id: string, overrides: Partial<ProbedDevice> = {}): ProbedDevice {
  return probedDevice({ id, probe: 'list', totalBytes: 24112 * MIB, freeBytes: 11000 * MIB, ...overrides });
}

const summary = (devices: readonly MemoryDevice[]): unknown =>
  devices.map(({ id, uuid, aliases, isListed, freeBytes }) => ({
    id,
    uuid,
    aliases,
    isListed,
    freeMib: freeBytes === undefined ? undefined : freeBytes / MIB,
  }));

const rtx3070 = { name: 'NVIDIA GeForce RTX 3070', totalBytes: 8192 * MIB, freeBytes: 7000 * MIB };
const listed3070 = { name: 'NVIDIA GeForce RTX 3070', totalBytes: 7654 * MIB, freeBytes: 6890 * MIB };

describe('mergeDevices', () => {
  it('has the names of the list and the figures of the vendor', () => {
    const [device] = mergeDevices([vendor('GPU-a', { usedByPid: new Map([[7, MIB]]) })], [listed('CUDA0')]);
    expect(device).toMatchObject({
      id: 'CUDA0',
      uuid: 'GPU-a',
      totalBytes: 24576 * MIB,
      freeBytes: 12288 * MIB,
      usedByPid: new Map([[7, MIB]]),
      probe: 'vendor',
      isListed: true,
    });
  });

  it('matches unequal devices whatever their order is: CUDA puts the fastest first, the vendor goes by slot', () => {
    const devices = mergeDevices(
      [vendor('GPU-slow', rtx3070), vendor('GPU-fast')],
      [listed('CUDA0'), listed('CUDA1', listed3070)],
    );
    expect(summary(devices)).toMatchObject([
      { id: 'CUDA0', uuid: 'GPU-fast' },
      { id: 'CUDA1', uuid: 'GPU-slow' },
    ]);
  });

  it('pairs equal devices off in order, unless the vendor knows the name already', () => {
    const list = [listed('CUDA0'), listed('CUDA1')];
    expect(summary(mergeDevices([vendor('GPU-a'), vendor('GPU-b')], list))).toMatchObject([
      { id: 'CUDA0', uuid: 'GPU-a' },
      { id: 'CUDA1', uuid: 'GPU-b' },
    ]);
    const reordered = [vendor('GPU-a', { id: 'CUDA1' }), vendor('GPU-b', { id: 'CUDA0' })];
    expect(summary(mergeDevices(reordered, list))).toMatchObject([
      { id: 'CUDA0', uuid: 'GPU-b' },
      { id: 'CUDA1', uuid: 'GPU-a' },
    ]);
  });

  it('goes by size where the vendor knows no names and sizes are near each other', () => {
    const amd = { vendor: 'amd' } as const;
    const devices = mergeDevices(
      [
        vendor('0000:03:00.0', { ...amd, name: 'AMD GPU 1002:73bf', totalBytes: 16368 * MIB }),
        vendor('0000:0c:00.0', { ...amd, name: 'AMD GPU 1002:747e', totalBytes: 16000 * MIB }),
      ],
      [
        listed('ROCm0', { ...amd, name: 'AMD Radeon RX 7800 XT', totalBytes: 16000 * MIB }),
        listed('ROCm1', { ...amd, name: 'AMD Radeon RX 6800', totalBytes: 16368 * MIB }),
      ],
    );
    expect(devices).toMatchObject([
      { id: 'ROCm0', uuid: '0000:0c:00.0' },
      { id: 'ROCm1', uuid: '0000:03:00.0' },
    ]);
  });

  it('does not count a device twice that two backends list', () => {
    const devices = mergeDevices(
      [vendor('GPU-a')],
      [listed('CUDA0'), listed('Vulkan0', { totalBytes: 24576 * MIB, name: 'NVIDIA GeForce RTX 3090' })],
    );
    expect(summary(devices)).toMatchObject([{ id: 'CUDA0', aliases: ['Vulkan0'], isListed: true }]);
  });

  it('does not count it twice without a vendor tool either', () => {
    const amd = { vendor: 'amd', name: 'AMD Radeon RX 7900 XTX', totalBytes: 24560 * MIB } as const;
    const devices = mergeDevices(
      [],
      [listed('ROCm0', amd), listed('Vulkan0', { ...amd, name: 'AMD Radeon RX 7900 XTX (RADV NAVI31)' })],
    );
    expect(summary(devices)).toMatchObject([{ id: 'ROCm0', aliases: ['Vulkan0'], freeMib: 11000 }]);
  });

  it('shows a GPU that llama-server does not offer, under a name that is no other GPU’s', () => {
    const devices = mergeDevices(
      [vendor('GPU-a', { id: 'CUDA0', ...rtx3070 }), vendor('GPU-b', { id: 'CUDA1' })],
      [listed('CUDA0')],
    );
    expect(summary(devices)).toMatchObject([
      { id: 'CUDA0', uuid: 'GPU-b', isListed: true },
      { id: 'GPU-a', uuid: 'GPU-a', isListed: false },
    ]);
  });

  it('keeps the vendor’s names while there is no list', () => {
    expect(summary(mergeDevices([vendor('GPU-a', { id: 'CUDA0' })], []))).toMatchObject([
      { id: 'CUDA0', isListed: undefined },
    ]);
  });

  it('does not take the graphics of a processor for the card, though their vendor is the same', () => {
    const card = vendor('0000:03:00.0', { vendor: 'amd', name: 'AMD GPU 1002:744c', totalBytes: 24560 * MIB });
    const shared = vendor('0000:0e:00.0', {
      vendor: 'amd',
      kind: 'unified',
      name: 'AMD GPU 1002:164e',
      totalBytes: 24500 * MIB,
    });
    const devices = mergeDevices(
      [shared, card],
      [
        listed('ROCm0', { vendor: 'amd', name: 'AMD Radeon RX 7900 XTX', totalBytes: 24560 * MIB }),
        listed('ROCm1', { vendor: 'amd', kind: 'unified', name: 'AMD Radeon Graphics', totalBytes: 15900 * MIB }),
      ],
    );
    expect(devices).toMatchObject([
      { id: 'ROCm0', uuid: '0000:03:00.0', name: 'AMD Radeon RX 7900 XTX', totalBytes: 24560 * MIB },
      // How much of the system's memory it may use is what llama-server says.
      { id: 'ROCm1', uuid: '0000:0e:00.0', totalBytes: 15900 * MIB, freeBytes: 12288 * MIB },
    ]);
  });

  it('leaves devices of other vendors, other sizes and other machines apart', () => {
    const devices = mergeDevices(
      [vendor('GPU-a')],
      [
        listed('Vulkan0', { vendor: 'intel', name: 'Intel(R) Arc(TM) A770 Graphics' }),
        listed('CUDA0', { name: 'NVIDIA GeForce RTX 4060', totalBytes: 7800 * MIB }),
        listed('RPC0', { vendor: 'other', name: '192.168.1.20:50052' }),
      ],
    );
    expect(devices.map(({ id }) => id)).toEqual(['Vulkan0', 'CUDA0', 'RPC0', 'GPU-a']);
  });

  it('takes what is free from the list where the vendor does not tell, and from a newer list where the vendor fails', () => {
    const list = [listed('CUDA0', { readAtMs: 500 })];
    expect(mergeDevices([vendor('GPU-a', { freeBytes: undefined })], list)).toMatchObject([
      { freeBytes: 11000 * MIB, probe: 'list', readAtMs: 500 },
    ]);
    const stale = { isStale: true, problem: 'It hangs.' };
    expect(mergeDevices([vendor('GPU-a', { ...stale, readAtMs: 400 })], list)).toMatchObject([
      { freeBytes: 11000 * MIB, isStale: false, problem: undefined },
    ]);
    expect(mergeDevices([vendor('GPU-a', { ...stale, readAtMs: 600 })], list)).toMatchObject([
      { freeBytes: 12288 * MIB, isStale: true, problem: 'It hangs.', readAtMs: 600 },
    ]);
  });

  it('joins two tools’ readings of one GPU by uuid or address, but not the instances of a divided one', () => {
    const address = { pciAddress: '0000:03:00.0' };
    expect(
      mergeDevices(
        [
          vendor('a', { ...address, usedByPid: undefined, probe: 'one' }),
          vendor('b', { ...address, usedByPid: new Map([[1, 2]]), probe: 'two' }),
          vendor('B', { freeBytes: 1, probe: 'three' }),
        ],
        [],
      ),
    ).toMatchObject([
      { uuid: 'a', probe: 'one', usedByPid: new Map([[1, 2]]) },
      { uuid: 'B', probe: 'three' },
    ]);
    expect(mergeDevices([vendor('MIG-1', address), vendor('MIG-2', address)], [])).toHaveLength(2);
  });

  it('puts system memory last, once', () => {
    const ram = probedDevice(ramReading);
    const devices = mergeDevices([ram, vendor('GPU-a'), ram], [listed('CUDA0')]);
    expect(devices.map(({ id }) => id)).toEqual(['CUDA0', 'RAM']);
  });

  it('neither loses nor invents a device, and gives no name twice', () => {
    const kinds = fc.constantFrom('gpu' as const, 'unified' as const);
    const shape = fc.record({
      vendor: fc.constantFrom('nvidia' as const, 'amd' as const, 'intel' as const),
      kind: kinds,
      totalBytes: fc.constantFrom(8192 * MIB, 8000 * MIB, 24576 * MIB),
      freeBytes: fc.constantFrom(undefined, 0, 4096 * MIB),
      name: fc.constantFrom('Radeon RX 7900', 'RTX 3090', 'Arc A770', ''),
    });
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 5 }), fc.array(shape, { maxLength: 5 }), (ofVendors, ofList) => {
        const vendors = ofVendors.map((device, index) => vendor(`uuid-${index}`, { ...device, id: `CUDA${index}` }));
        const list = ofList.map((device, index) => listed(`${index % 2 === 0 ? 'CUDA' : 'Vulkan'}${index}`, device));
        const devices = mergeDevices(vendors, list);
        const names = devices.flatMap(({ id, aliases }) => [id, ...aliases]);
        expect(new Set(names).size).toBe(names.length);
        expect(names).toEqual(expect.arrayContaining(list.map(({ id }) => id)));
        const uuids = devices.map(({ uuid }) => uuid).filter((uuid) => uuid !== undefined);
        expect(uuids.toSorted()).toEqual(vendors.map(({ uuid }) => uuid).toSorted());
      }),
    );
  });
});
