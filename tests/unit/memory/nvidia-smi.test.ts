import { describe, expect, it } from 'vitest';
import { decideCudaIds } from '../../../electron/engine/memory/cuda-order.ts';
import {
  GPU_FIELDS,
  GPU_FIELDS_BEFORE_MIG,
  parseComputeApps,
  parseGpuRows,
} from '../../../electron/engine/memory/nvidia-smi-csv.ts';
import { parseMigInstances } from '../../../electron/engine/memory/nvidia-smi-mig.ts';
import { fixture, MIB } from './support/fixtures.ts';

const rowsOf = (name: string, fields = GPU_FIELDS): ReturnType<typeof parseGpuRows> =>
  parseGpuRows(fixture(`nvidia-smi/${name}.txt`), fields);

describe('parseGpuRows', () => {
  it('reads a GPU', () => {
    expect(rowsOf('gpus-one')).toEqual([
      {
        uuid: 'GPU-5206045b-2a1c-1e7d-6c60-d7c367d02376',
        pciAddress: '0000:01:00.0',
        name: 'NVIDIA GeForce RTX 4090',
        totalBytes: 24564 * MIB,
        freeBytes: 23986 * MIB,
        isMemoryUnsupported: false,
        isMigEnabled: false,
      },
    ]);
  });

  it('sorts several by PCI address', () => {
    expect(rowsOf('gpus-unequal').map((gpu) => gpu.name)).toEqual([
      'NVIDIA GeForce RTX 3070',
      'NVIDIA GeForce RTX 3090',
    ]);
  });

  it('reads the rows of drivers that know no MIG', () => {
    expect(rowsOf('gpus-before-mig', GPU_FIELDS_BEFORE_MIG)).toMatchObject([
      { name: 'GeForce GTX 1080 Ti', totalBytes: 11178 * MIB, isMigEnabled: false },
    ]);
  });

  it.each(['gpus-unified', 'gpus-not-supported'])('knows a GPU without memory of its own: %s', (name) => {
    expect(rowsOf(name)).toMatchObject([
      { name: 'NVIDIA GB10', totalBytes: undefined, freeBytes: undefined, isMemoryUnsupported: true },
    ]);
  });

  it('tells hidden memory from none, and works out what is free', () => {
    expect(rowsOf('gpus-no-permission')).toMatchObject([
      { totalBytes: 8192 * MIB, freeBytes: (8192 - 988) * MIB },
      { totalBytes: undefined, freeBytes: undefined, isMemoryUnsupported: false },
    ]);
  });

  it('reads numbers that a locale has touched, and a name with a comma', () => {
    expect(rowsOf('gpus-localised')).toMatchObject([
      { totalBytes: 24564 * MIB, freeBytes: 23986 * MIB, name: 'NVIDIA GeForce RTX 4090, Founders' },
    ]);
  });

  it.each([
    ['words', 'Unable to determine the device handle for GPU 0000:0A:00.0: GPU is lost.'],
    ['a cut line', 'GPU-5206045b-2a1c-1e7d-6c60-d7c367d02376, 00000000:01:00.0, 245'],
    ['a size that is none', 'GPU-1, 00000000:01:00.0, lots, 1, 1, [N/A], RTX'],
    ['a size beyond counting', 'GPU-1, 00000000:01:00.0, 99999999999999999, 1, 1, [N/A], RTX'],
    ['a negative size', 'GPU-1, 00000000:01:00.0, -24564, 1, 1, [N/A], RTX'],
  ])('refuses %s and quotes it', (_, line) => {
    expect(() => parseGpuRows(line, GPU_FIELDS)).toThrow(
      expect.objectContaining({ code: 'probe-failed', message: expect.stringContaining(line.slice(0, 20)) as string }),
    );
  });
});

describe('parseComputeApps', () => {
  it('sums a process that has several contexts, whatever its pid', () => {
    const apps = parseComputeApps(fixture('nvidia-smi/apps.txt'));
    expect(apps.get('GPU-5206045b-2a1c-1e7d-6c60-d7c367d02376')).toEqual(
      new Map([
        [3150, 220 * MIB],
        [4194304, 9612 * MIB],
      ]),
    );
  });

  it('does not take processes without their memory for processes that use none', () => {
    const apps = parseComputeApps(fixture('nvidia-smi/apps-not-available.txt'));
    expect([...apps]).toEqual([['GPU-5206045b-2a1c-1e7d-6c60-d7c367d02376', undefined]]);
  });

  it('reads that there are none', () => {
    expect(parseComputeApps('').size).toBe(0);
    expect(parseComputeApps('No running processes found\n').size).toBe(0);
    expect(() => parseComputeApps('GPU-1, 99999999999, 5')).toThrow(/no process/);
  });
});

describe('parseMigInstances', () => {
  const xml = fixture('nvidia-smi/query-mig.txt');
  const listing = fixture('nvidia-smi/listing-mig.txt');

  it('joins memory, uuids and processes of the instances', () => {
    expect(parseMigInstances(xml, listing)).toEqual([
      {
        uuid: 'MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f',
        pciAddress: '0000:81:00.0',
        name: 'NVIDIA A100-SXM4-40GB MIG 3g.20gb',
        totalBytes: 19968 * MIB,
        freeBytes: 7670 * MIB,
        usedByPid: new Map([[4194304, 12260 * MIB]]),
      },
      {
        uuid: 'MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb',
        pciAddress: '0000:81:00.0',
        name: 'NVIDIA A100-SXM4-40GB MIG 2g.10gb',
        totalBytes: 9856 * MIB,
        freeBytes: 9843 * MIB,
        usedByPid: new Map(),
      },
    ]);
  });

  it('leaves out instances that are not wholly told of', () => {
    expect(parseMigInstances(xml, '')).toEqual([]);
    expect(parseMigInstances(xml.slice(0, xml.indexOf('<total>19968')), listing)).toEqual([]);
    expect(parseMigInstances(xml.replaceAll('19968 MiB', 'N/A'), listing)).toHaveLength(1);
  });
});

describe('decideCudaIds', () => {
  const equal = [
    { uuid: 'GPU-a1', name: 'RTX 3090' },
    { uuid: 'GPU-b2', name: 'RTX 3090' },
  ];
  const unequal = [
    { uuid: 'GPU-a1', name: 'RTX 3070' },
    { uuid: 'GPU-b2', name: 'RTX 3090' },
  ];
  const instances = [
    { uuid: 'MIG-a', name: 'A100 MIG 1g.5gb' },
    { uuid: 'MIG-b', name: 'A100 MIG 1g.5gb' },
  ];

  it.each([
    ['one', [equal[0]!], {}, { 'GPU-a1': 'CUDA0' }],
    ['equal ones in PCI order', equal, {}, { 'GPU-a1': 'CUDA0', 'GPU-b2': 'CUDA1' }],
    ['unequal ones not at all', unequal, {}, {}],
    [
      'unequal ones in PCI order if asked',
      unequal,
      { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' },
      { 'GPU-a1': 'CUDA0', 'GPU-b2': 'CUDA1' },
    ],
    ['a visible one by number', equal, { CUDA_VISIBLE_DEVICES: '1' }, { 'GPU-b2': 'CUDA0' }],
    ['those that are reordered', equal, { CUDA_VISIBLE_DEVICES: '1, 0' }, { 'GPU-b2': 'CUDA0', 'GPU-a1': 'CUDA1' }],
    ['unequal ones by uuid', unequal, { CUDA_VISIBLE_DEVICES: 'GPU-b2' }, { 'GPU-b2': 'CUDA0' }],
    ['up to the first that is none', equal, { CUDA_VISIBLE_DEVICES: '1,-1,0' }, { 'GPU-b2': 'CUDA0' }],
    ['none that is ambiguous', equal, { CUDA_VISIBLE_DEVICES: 'GPU-' }, {}],
    ['none if all are hidden', equal, { CUDA_VISIBLE_DEVICES: '' }, {}],
    ['instances by their uuid only', instances, {}, {}],
    ['an instance that is named', instances, { CUDA_VISIBLE_DEVICES: 'MIG-b' }, { 'MIG-b': 'CUDA0' }],
  ])('names %s', (_, gpus, env, ids) => {
    expect(Object.fromEntries(decideCudaIds(gpus, env))).toEqual(ids);
  });
});
