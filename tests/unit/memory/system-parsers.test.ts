import { describe, expect, it } from 'vitest';
import { parseAppleSysctl } from '../../../electron/engine/memory/apple-limits.ts';
import { cgroupFolders, parseCgroupUsage, withinCgroups } from '../../../electron/engine/memory/cgroup-limit.ts';
import { parseDrmFdinfo } from '../../../electron/engine/memory/drm-fdinfo.ts';
import { parseMeminfo } from '../../../electron/engine/memory/meminfo.ts';
import { parseRssRows } from '../../../electron/engine/memory/process-memory-darwin.ts';
import { parsePss, parseStatm } from '../../../electron/engine/memory/process-memory-linux.ts';
import { parseVmStat } from '../../../electron/engine/memory/vm-stat.ts';
import { fixture, MIB } from './support/fixtures.ts';

const GIB = 2 ** 30;

describe('parseMeminfo', () => {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(fixture('linux/meminfo.txt'))?.[1]) * 1024;

  it('reads what is available', () => {
    expect(parseMeminfo(fixture('linux/meminfo.txt'))).toEqual({
      totalBytes: field('MemTotal'),
      availableBytes: field('MemAvailable'),
    });
    expect(field('MemAvailable')).toBeGreaterThan(GIB);
  });

  it('adds up what old kernels do not', () => {
    expect(parseMeminfo(fixture('linux/meminfo-before-available.txt')).availableBytes).toBe(
      field('MemFree') + field('Buffers') + field('Cached'),
    );
  });

  it('refuses what is cut off', () => {
    expect(() => parseMeminfo('MemTotal:       24684092 kB\nMemF')).toThrow(/does not tell how much memory/);
  });
});

describe('control groups', () => {
  it('looks at every group up to the root, in version 2', () => {
    const folders = cgroupFolders(fixture('linux/cgroup-v2.txt'));
    expect(folders).toHaveLength(6);
    expect(folders[0]).toEqual({
      folder: 'sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/corral.service',
      limitFile: 'memory.max',
      usageFile: 'memory.current',
      reclaimableField: 'inactive_file',
    });
    expect(folders.at(-1)?.folder).toBe('sys/fs/cgroup');
  });

  it('finds the memory controller of version 1 where both are mounted', () => {
    const folders = cgroupFolders(fixture('linux/cgroup-hybrid.txt'));
    expect(folders.map(({ folder }) => folder)).toEqual([
      'sys/fs/cgroup/memory/process_api/box-1',
      'sys/fs/cgroup/memory/process_api',
      'sys/fs/cgroup/memory',
      'sys/fs/cgroup',
    ]);
    expect(folders[0]?.limitFile).toBe('memory.limit_in_bytes');
  });

  it('does not climb out of the mount', () => {
    expect(cgroupFolders('0::/../../other').map(({ folder }) => folder)).toEqual(['sys/fs/cgroup']);
  });

  it('counts file pages that can be dropped as available, and obeys the tightest limit', () => {
    const [group] = cgroupFolders('0::/a');
    const usage = parseCgroupUsage(group!, {
      limit: `${8 * GIB}\n`,
      usage: `${6 * GIB}\n`,
      stat: fixture('linux/memory-stat-v2.txt'),
    });
    expect(usage).toEqual({ limitBytes: 8 * GIB, usedBytes: 6 * GIB, reclaimableBytes: 4 * MIB });
    const machine = { totalBytes: 64 * GIB, availableBytes: 40 * GIB };
    expect(withinCgroups(machine, [usage!])).toEqual({ totalBytes: 8 * GIB, availableBytes: 2 * GIB + 4 * MIB });
    const looser = { limitBytes: 16 * GIB, usedBytes: 15 * GIB, reclaimableBytes: 0 };
    expect(withinCgroups(machine, [usage!, looser])).toEqual({ totalBytes: 8 * GIB, availableBytes: GIB });
  });

  it('knows no limit: the word, the number of version 1, and nonsense', () => {
    const [group] = cgroupFolders('0::/a');
    expect(parseCgroupUsage(group!, { limit: 'max\n', usage: '1', stat: '' })).toBeUndefined();
    expect(parseCgroupUsage(group!, { limit: '1', usage: '', stat: '' })).toBeUndefined();
    const machine = { totalBytes: 64 * GIB, availableBytes: 40 * GIB };
    const unlimited = { limitBytes: 9223372036854771712, usedBytes: 50 * GIB, reclaimableBytes: 0 };
    expect(withinCgroups(machine, [unlimited])).toEqual(machine);
  });
});

describe('parseDrmFdinfo', () => {
  it.each([
    ['amdgpu-6.13', '9', 286604 * 1024, 2 * MIB],
    ['amdgpu-5.19', '9', 512 * MIB, MIB],
    ['xe', '4', 50 * MIB, 384 * 1024],
    ['i915', '18', 512 * MIB, 4 * MIB],
  ])('reads what %s tells', (name, clientId, deviceBytes, systemBytes) => {
    expect(parseDrmFdinfo(fixture(`linux/fdinfo-${name}.txt`))).toEqual({
      pciAddress: '0000:03:00.0',
      clientId,
      deviceBytes,
      systemBytes,
    });
  });

  it('knows other files, and GPUs that tell no memory', () => {
    expect(parseDrmFdinfo('pos:\t0\nflags:\t02100002\n')).toBeUndefined();
    expect(parseDrmFdinfo('drm-driver:\ti915\ndrm-pdev:\t0000:00:02.0\ndrm-engine-render:\t1 ns\n')).toBeUndefined();
  });
});

describe('memory of processes', () => {
  it('reads the proportional share, else the resident pages', () => {
    expect(parsePss(fixture('linux/smaps-rollup.txt'))).toBe(
      Number(/^Pss: +(\d+) kB/m.exec(fixture('linux/smaps-rollup.txt'))?.[1]) * 1024,
    );
    expect(parseStatm(fixture('linux/statm.txt'))).toBe(Number(fixture('linux/statm.txt').split(' ')[1]) * 4096);
    expect(parsePss('')).toBeUndefined();
    expect(parseStatm('765 438')).toBeUndefined();
  });

  it('reads the rows of ps', () => {
    expect([...parseRssRows(`${fixture('macos/ps.txt')}garbage\n`)]).toEqual([
      [501, 10240 * 1024],
      [99998, 24 * GIB],
    ]);
  });
});

describe('macOS', () => {
  it('adds up the pages that can be had', () => {
    expect(parseVmStat(fixture('macos/vm-stat.txt'))).toEqual({ availableBytes: 16384 * (12345 + 598310 + 10201) });
    expect(() => parseVmStat('Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages fr')).toThrow(
      /vm_stat/,
    );
  });

  it('gives the GPU two thirds of small machines, three quarters of large ones, or what was set', () => {
    expect(parseAppleSysctl(fixture('macos/sysctl-m2-max.txt'))).toEqual({
      name: 'Apple M2 Max',
      memoryBytes: 32 * GIB,
      workingSetBytes: Math.floor((32 * GIB * 2) / 3),
    });
    const large = fixture('macos/sysctl-m2-max.txt').replace('34359738368', '68719476736');
    expect(parseAppleSysctl(large)?.workingSetBytes).toBe(48 * GIB);
    expect(parseAppleSysctl(fixture('macos/sysctl-limit-raised.txt'))?.workingSetBytes).toBe(56 * GIB);
    expect(parseAppleSysctl(large.replace(/^iogpu.*\n/m, ''))?.workingSetBytes).toBe(48 * GIB);
  });

  it('says nothing of GPUs in Macs with an Intel processor, and refuses nonsense', () => {
    expect(parseAppleSysctl(fixture('macos/sysctl-intel.txt'))).toBeUndefined();
    expect(() => parseAppleSysctl('hw.optional.arm64: 1\nhw.memsize: lots\n')).toThrow(/does not tell how much/);
  });
});
