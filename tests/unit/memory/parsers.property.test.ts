import fc from 'fast-check';
import { describe, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import {
  parseAmdList,
  parseAmdMetrics,
  parseAmdNames,
  parseAmdProcesses,
} from '../../../electron/engine/memory/amd-smi-json.ts';
import { parseAppleSysctl } from '../../../electron/engine/memory/apple-limits.ts';
import { cgroupFolders, parseCgroupUsage } from '../../../electron/engine/memory/cgroup-limit.ts';
import { parseDrmFdinfo } from '../../../electron/engine/memory/drm-fdinfo.ts';
import { parseListedDevices } from '../../../electron/engine/memory/listed-devices.ts';
import { parseMeminfo } from '../../../electron/engine/memory/meminfo.ts';
import { GPU_FIELDS, parseComputeApps, parseGpuRows } from '../../../electron/engine/memory/nvidia-smi-csv.ts';
import { parseMigInstances } from '../../../electron/engine/memory/nvidia-smi-mig.ts';
import { parseRssRows } from '../../../electron/engine/memory/process-memory-darwin.ts';
import { parsePss, parseStatm } from '../../../electron/engine/memory/process-memory-linux.ts';
import { parseRocmSmi } from '../../../electron/engine/memory/rocm-smi-json.ts';
import { parseVmStat } from '../../../electron/engine/memory/vm-stat.ts';
import {
  parseXpuDiscovery,
  parseXpuMemorySize,
  parseXpuMemoryUsed,
} from '../../../electron/engine/memory/xpu-smi-json.ts';
import { fixture } from './support/fixtures.ts';

const parsers: readonly (readonly [string, (text: string) => unknown, string])[] = [
  ['parseGpuRows', (text) => parseGpuRows(text, GPU_FIELDS), 'nvidia-smi/gpus-unequal.txt'],
  ['parseComputeApps', parseComputeApps, 'nvidia-smi/apps.txt'],
  ['parseMigInstances', (text) => parseMigInstances(text, text), 'nvidia-smi/query-mig.txt'],
  ['parseAmdMetrics', parseAmdMetrics, 'amd-smi/metric-list.txt'],
  ['parseAmdList', parseAmdList, 'amd-smi/list.txt'],
  ['parseAmdNames', parseAmdNames, 'amd-smi/static-asic.txt'],
  ['parseAmdProcesses', parseAmdProcesses, 'amd-smi/process.txt'],
  ['parseRocmSmi', parseRocmSmi, 'rocm-smi/old.txt'],
  ['parseXpuDiscovery', parseXpuDiscovery, 'xpu-smi/discovery.txt'],
  ['parseXpuMemorySize', parseXpuMemorySize, 'xpu-smi/discovery-device.txt'],
  ['parseXpuMemoryUsed', parseXpuMemoryUsed, 'xpu-smi/stats.txt'],
  ['parseListedDevices', parseListedDevices, 'list-devices/cuda-and-vulkan.txt'],
  ['parseMeminfo', parseMeminfo, 'linux/meminfo.txt'],
  ['cgroupFolders', cgroupFolders, 'linux/cgroup-hybrid.txt'],
  ['parseDrmFdinfo', parseDrmFdinfo, 'linux/fdinfo-xe.txt'],
  ['parsePss', parsePss, 'linux/smaps-rollup.txt'],
  ['parseStatm', parseStatm, 'linux/statm.txt'],
  ['parseRssRows', parseRssRows, 'macos/ps.txt'],
  ['parseVmStat', parseVmStat, 'macos/vm-stat.txt'],
  ['parseAppleSysctl', parseAppleSysctl, 'macos/sysctl-m2-max.txt'],
  [
    'parseCgroupUsage',
    (text) => parseCgroupUsage(cgroupFolders('0::/')[0]!, { limit: text, usage: text, stat: text }),
    'linux/memory-stat-v2.txt',
  ],
];

/** What a parser makes of a text holds only finite, whole, non-negative numbers of bytes, or it says so with an AppError. */
function survives(parse: (text: string) => unknown, text: string): void {
  let result: unknown;
  try {
    result = parse(text);
  } catch (error) {
    if (error instanceof AppError && error.code === 'probe-failed') return;
    throw error;
  }
  for (const value of numbersIn(result)) {
    if (!Number.isFinite(value) || value < 0) throw new Error(`${value} in ${JSON.stringify(result)}`);
  }
}

function numbersIn(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value];
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)].flat().flatMap(numbersIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .filter(([key]) => key.endsWith('Bytes') || !Number.isNaN(Number(key)))
    .flatMap(([, member]) => numbersIn(member));
}

/** A recorded text with something cut out and something else put in: nearer to a parser's blind spots than noise is. */
const damaged = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.nat(text.length),
      fc.nat(40),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.constantFrom(
          'null',
          '[]',
          '{}',
          '-1',
          '1e400',
          '99999999999999999999',
          '"',
          '\n',
          '\0',
          'NaN',
          '[N/A]',
          ', ',
        ),
      ),
      fc.boolean(),
    )
    .map(([at, length, put, isCut]) => text.slice(0, at) + put + (isCut ? '' : text.slice(at + length)));

const noise = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('utf8'));

describe.each(parsers)('%s', (_, parse, file) => {
  const text = fixture(file);

  it('throws nothing but probe-failed on noise, and on JSON of another shape', () => {
    fc.assert(
      fc.property(fc.oneof(noise, fc.json()), (input) => survives(parse, input)),
      { numRuns: 300 },
    );
  });

  it('throws nothing but probe-failed on damaged output', () => {
    survives(parse, text);
    fc.assert(
      fc.property(damaged(text), (input) => survives(parse, input)),
      { numRuns: 500 },
    );
  });

  // In time that grows with the length: with its square, each of these would take hours.
  it.each(['\n', ' ', '0', ', ', '[', '{"a":', '<gpu>', 'GPU 0: ', '  x: (1 MiB', '\t1 '])(
    'gets through megabytes of %j',
    (piece) => {
      survives(parse, piece.repeat(2_000_000 / piece.length));
      survives(parse, text + piece.repeat(2_000_000 / piece.length));
    },
  );
});
