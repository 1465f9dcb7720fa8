import { describe, expect, it } from 'vitest';
import {
  parseAmdList,
  parseAmdMetrics,
  parseAmdNames,
  parseAmdProcesses,
} from '../../../electron/engine/memory/amd-smi-json.ts';
import { parseRocmSmi } from '../../../electron/engine/memory/rocm-smi-json.ts';
import {
  parseXpuDiscovery,
  parseXpuMemorySize,
  parseXpuMemoryUsed,
} from '../../../electron/engine/memory/xpu-smi-json.ts';
import { fixture, MIB } from './support/fixtures.ts';

describe('amd-smi', () => {
  it('tells the memory of each GPU, behind a warning, and leaves out those without', () => {
    expect(parseAmdMetrics(fixture('amd-smi/metric-list.txt'))).toEqual([
      { index: 0, totalBytes: 24560 * MIB, freeBytes: 23778 * MIB },
    ]);
  });

  it('wraps its list since ROCm 6.4, and may not know what is free', () => {
    expect(parseAmdMetrics(fixture('amd-smi/metric-gpu-data.txt'))).toEqual([
      { index: 0, totalBytes: 196592 * MIB, freeBytes: (196592 - 17153) * MIB },
    ]);
  });

  it.each([
    ['bare numbers', '{"total_vram": 16384, "used_vram": 384}'],
    ['text', '{"total_vram": "16384 MB", "used_vram": "384 MB"}'],
    [
      'localised text',
      '{"total_vram": {"value": "16.384", "unit": "MB"}, "used_vram": {"value": "384,0", "unit": "MB"}}',
    ],
  ])('reads figures that are %s', (_, memory) => {
    expect(parseAmdMetrics(`[{"gpu": 3, "mem_usage": ${memory}}]`)).toEqual([
      { index: 3, totalBytes: 16384 * MIB, freeBytes: 16000 * MIB },
    ]);
  });

  it('tells where the GPUs are and what they are called', () => {
    expect([...parseAmdList(fixture('amd-smi/list.txt'))]).toEqual([
      [0, { pciAddress: '0000:03:00.0', uuid: 'c2ff744c-0000-1000-8017-1ff77417f1d6' }],
    ]);
    expect([...parseAmdNames(fixture('amd-smi/static-asic.txt'))]).toEqual([[0, 'AMD Radeon RX 7900 XTX']]);
  });

  it('tells who takes how much, that nobody does, or that it does not know', () => {
    expect(parseAmdProcesses(fixture('amd-smi/process.txt')).get(0)).toEqual(new Map([[60112, 734003200]]));
    expect(parseAmdProcesses(fixture('amd-smi/process-none.txt')).get(0)).toEqual(new Map());
    expect([...parseAmdProcesses(fixture('amd-smi/process-not-available.txt'))]).toEqual([[0, undefined]]);
  });

  it.each([
    ['cut off', fixture('amd-smi/metric-list.txt').slice(0, 300), /did not print the JSON/],
    ['something else', '{"error": "no"}', /no list of GPUs/],
    ['a GPU without a number', '[{"mem_usage": {}}]', /without a number/],
  ])('refuses JSON that is %s', (_, text, message) => {
    expect(() => parseAmdMetrics(text)).toThrow(message);
  });
});

describe('rocm-smi', () => {
  it('tells the memory of each card', () => {
    expect(parseRocmSmi(fixture('rocm-smi/old.txt'))).toEqual([
      {
        name: 'Navi 31 [Radeon RX 7900 XT/7900 XTX]',
        pciAddress: '0000:03:00.0',
        totalBytes: 25753026560,
        freeBytes: 25753026560 - 819986432,
      },
      { name: 'Raphael', pciAddress: '0000:0e:00.0', totalBytes: 536870912, freeBytes: 536870912 - 16912384 },
    ]);
  });

  it('writes its keys otherwise since ROCm 6, warns first, and may not know what is used', () => {
    expect(parseRocmSmi(fixture('rocm-smi/new.txt'))).toEqual([
      { name: 'AMD Radeon RX 6900 XT', pciAddress: '0000:0c:00.0', totalBytes: 17163091968, freeBytes: undefined },
    ]);
  });

  it.each(['[]', '"card0"', '', '{"card0": {"VRAM Total'])('refuses %j', (text) => {
    expect(() => parseRocmSmi(text)).toThrow(expect.objectContaining({ code: 'probe-failed' }));
  });
});

describe('xpu-smi', () => {
  it('tells the devices, their size and what is used', () => {
    expect(parseXpuDiscovery(fixture('xpu-smi/discovery.txt'))).toEqual([
      {
        index: 0,
        name: 'Intel(R) Arc(TM) A770 Graphics',
        uuid: '00000000-0000-0003-0000-000856a08086',
        pciAddress: '0000:03:00.0',
      },
    ]);
    expect(parseXpuMemorySize(fixture('xpu-smi/discovery-device.txt'))).toBe(16910163968);
    expect(parseXpuMemoryUsed(fixture('xpu-smi/stats.txt'))).toBe(1228.75 * MIB);
  });

  it('reads a decimal comma, and a missing figure', () => {
    const stats = (value: string): string =>
      `{"device_level": [{"metrics_type": "XPUM_STATS_MEMORY_USED", "value": ${value}}]}`;
    expect(parseXpuMemoryUsed(stats('"1228,75"'))).toBe(1228.75 * MIB);
    expect(parseXpuMemoryUsed(stats('null'))).toBeUndefined();
    expect(parseXpuMemoryUsed('{"device_level": []}')).toBeUndefined();
    expect(parseXpuMemorySize('{"memory_physical_size_byte": "0"}')).toBeUndefined();
  });

  it('refuses what is neither', () => {
    expect(() => parseXpuDiscovery('{"error": "Level Zero Initialization Error"}')).toThrow(/Level Zero/);
    expect(() => parseXpuMemoryUsed('{"error": "x", "errno": 6}')).toThrow(/no figures/);
  });
});

describe('a GPU of amd-smi whose number is none', () => {
  it.each(['-1', '1.5', '1e400', '"0"', 'null'])('%s is refused', (number) => {
    expect(() => parseAmdNames(`[{"gpu":${number},"asic":{"market_name":"AMD Radeon"}}]`)).toThrow(/without a number/);
  });
});
