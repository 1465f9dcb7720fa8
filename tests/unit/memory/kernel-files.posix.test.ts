import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAmdSysfs } from '../../../electron/engine/memory/amd-sysfs-linux.ts';
import { readIntelSysfs } from '../../../electron/engine/memory/intel-sysfs-linux.ts';
import { readLinuxProcessMemory } from '../../../electron/engine/memory/process-memory-linux.ts';
import { readLinuxSystemMemory } from '../../../electron/engine/memory/system-memory-linux.ts';
import { fixture, MIB } from './support/fixtures.ts';
import { createToolFolder, type ToolFolder } from './support/tool-folder.posix.ts';

const GIB = 2 ** 30;
let folder: ToolFolder;

beforeEach(async () => {
  folder = await createToolFolder();
});
afterEach(() => folder.remove());

/** A GPU in the tree; the numbers are those of its files. */
async function card(
  name: string,
  pciId: string,
  slot: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  await folder.file(`sys/class/drm/${name}/device/uevent`, `DRIVER=x\nPCI_ID=${pciId}\nPCI_SLOT_NAME=${slot}\n`);
  for (const [file, content] of Object.entries(files)) await folder.file(`sys/class/drm/${name}/${file}`, content);
}

const amdFiles = (vramTotal: number, vramUsed: number, gttTotal: number, gttUsed: number): Record<string, string> => ({
  'device/mem_info_vram_total': `${vramTotal}\n`,
  'device/mem_info_vram_used': `${vramUsed}\n`,
  'device/mem_info_gtt_total': `${gttTotal}\n`,
  'device/mem_info_gtt_used': `${gttUsed}\n`,
});

/** The head of gpu_metrics: size, revision of the format, revision of the content. */
const metrics = (revision: number): Buffer => Buffer.from([0x78, 0, revision, 3, 9, 9, 9, 9]);

const systemMemory = (availableBytes: number) => () => Promise.resolve({ totalBytes: 64 * GIB, availableBytes });

describe('readAmdSysfs', () => {
  it('tells cards in PCI order, with what our processes hold there', async () => {
    await card('card1', '1002:744C', '0000:0C:00.0', {
      ...amdFiles(24560 * MIB, 800 * MIB, 32000 * MIB, 10 * MIB),
      'device/gpu_metrics': metrics(1),
      'device/product_name': '\n',
    });
    await card('card0', '1002:74A1', '0000:03:00.0', {
      ...amdFiles(196592 * MIB, 284 * MIB, 32000 * MIB, 10 * MIB),
      'device/product_name': 'AMD Instinct MI300X\n',
    });
    await folder.file('sys/class/drm/card1-DP-1/status', 'connected\n');
    await folder.file('proc/60112/fdinfo/7', fixture('linux/fdinfo-amdgpu-6.13.txt'));
    await folder.file('proc/60112/fdinfo/8', fixture('linux/fdinfo-amdgpu-6.13.txt'));
    await folder.file('proc/60112/fdinfo/9', 'pos:\t0\n');
    const readings = await readAmdSysfs(folder.root, [60112, 4], systemMemory(GIB));
    expect(readings).toMatchObject([
      {
        id: '0000:03:00.0',
        kind: 'gpu',
        name: 'AMD Instinct MI300X',
        totalBytes: 196592 * MIB,
        freeBytes: (196592 - 284) * MIB,
        // One client that has the GPU open twice.
        usedByPid: new Map([[60112, 286604 * 1024]]),
      },
      { id: '0000:0c:00.0', kind: 'gpu', name: 'AMD GPU 1002:744c', freeBytes: 23760 * MIB, usedByPid: new Map() },
    ]);
  });

  it('does not say that processes hold nothing where the kernel tells of none', async () => {
    await card('card0', '1002:744C', '0000:03:00.0', amdFiles(24560 * MIB, 800 * MIB, 32000 * MIB, 0));
    await folder.file('proc/5/fdinfo/7', 'pos:\t0\nflags:\t02100002\n');
    const usedWith = async (pids: readonly number[]): Promise<unknown> =>
      (await readAmdSysfs(folder.root, pids, systemMemory(GIB)))[0]?.usedByPid;
    expect(await usedWith([5])).toBeUndefined();
    expect(await usedWith([])).toEqual(new Map());
  });

  it('knows processors with graphics by their table of metrics, however much was set aside for them', async () => {
    await card('card0', '1002:1586', '0000:c5:00.0', {
      ...amdFiles(64 * GIB, GIB, 24 * GIB, GIB),
      'device/gpu_metrics': metrics(3),
    });
    await folder.file(
      'proc/9/fdinfo/7',
      fixture('linux/fdinfo-amdgpu-5.19.txt').replace('0000:03:00.0', '0000:c5:00.0'),
    );
    expect(await readAmdSysfs(folder.root, [9], systemMemory(10 * GIB))).toMatchObject([
      { kind: 'unified', totalBytes: 88 * GIB, freeBytes: 63 * GIB + 10 * GIB, usedByPid: new Map([[9, 513 * MIB]]) },
    ]);
  });

  it('guesses from the sizes where the kernel has no such table', async () => {
    await card('card0', '1002:164E', '0000:0e:00.0', amdFiles(512 * MIB, 16 * MIB, 31000 * MIB, 0));
    expect(await readAmdSysfs(folder.root, [], systemMemory(64 * GIB))).toMatchObject([
      { kind: 'unified', totalBytes: 31512 * MIB, freeBytes: (512 - 16 + 31000) * MIB },
    ]);
  });

  it('leaves out other vendors’, cards that another driver holds, and is not upset by nonsense', async () => {
    await card('card0', '10DE:2684', '0000:01:00.0', amdFiles(GIB, 0, 0, 0));
    await card('card1', '1002:744C', '0000:02:00.0', {});
    await card('card2', '1002:744C', '0000:03:00.0', {
      ...amdFiles(8 * GIB, 0, 0, 0),
      'device/mem_info_vram_used': 'x',
    });
    await card('card3', '1002:744C', '0000:04:00.0', { 'device/mem_info_vram_total': '9'.repeat(40) });
    expect(await readAmdSysfs(folder.root, [], systemMemory(GIB))).toMatchObject([
      { id: '0000:03:00.0', totalBytes: 8 * GIB, freeBytes: undefined },
    ]);
    expect(await readAmdSysfs('/no/such/root', [], systemMemory(GIB))).toEqual([]);
  });
});

describe('readIntelSysfs', () => {
  it('adds up the tiles that xe tells, and what our processes hold there', async () => {
    await card('card0', '8086:E20B', '0000:03:00.0', {
      'device/tile0/physical_vram_size_bytes': `${12 * GIB}\n`,
      'device/tile1/physical_vram_size_bytes': `${12 * GIB}\n`,
    });
    await folder.file('proc/9/fdinfo/3', fixture('linux/fdinfo-xe.txt'));
    expect(await readIntelSysfs(folder.root, [9])).toMatchObject([
      { id: '0000:03:00.0', totalBytes: 24 * GIB, freeBytes: undefined, usedByPid: new Map([[9, 50 * MIB]]) },
    ]);
  });

  it('reads what Intel’s own build of i915 tells, and leaves out graphics of processors', async () => {
    await card('card0', '8086:46A6', '0000:00:02.0', {});
    await card('card1', '8086:56A0', '0000:03:00.0', {
      lmem_total_bytes: `${16 * GIB}\n`,
      lmem_avail_bytes: `${15 * GIB}\n`,
    });
    expect(await readIntelSysfs(folder.root, [])).toMatchObject([{ totalBytes: 16 * GIB, freeBytes: 15 * GIB }]);
  });
});

describe('readLinuxSystemMemory', () => {
  const meminfo = `MemTotal: ${64 * 1024 * 1024} kB\nMemFree: 1 kB\nMemAvailable: ${40 * 1024 * 1024} kB\n`;

  it('obeys a limit that holds for a group above ours', async () => {
    await folder.file('proc/meminfo', meminfo);
    await folder.file('proc/self/cgroup', '0::/user.slice/corral.service\n');
    await folder.file('sys/fs/cgroup/user.slice/corral.service/memory.max', 'max\n');
    await folder.file('sys/fs/cgroup/user.slice/corral.service/memory.current', '5\n');
    await folder.file('sys/fs/cgroup/user.slice/memory.max', `${8 * GIB}\n`);
    await folder.file('sys/fs/cgroup/user.slice/memory.current', `${3 * GIB}\n`);
    await folder.file('sys/fs/cgroup/user.slice/memory.stat', `inactive_file ${GIB}\n`);
    expect(await readLinuxSystemMemory(folder.root)).toEqual({ totalBytes: 8 * GIB, availableBytes: 6 * GIB });
  });

  it('finds a container’s limit at the root of the mount, in version 1', async () => {
    await folder.file('proc/meminfo', meminfo);
    await folder.file('proc/self/cgroup', '4:cpu,memory:/docker/0123\n0::/docker/0123\n');
    await folder.file('sys/fs/cgroup/memory/memory.limit_in_bytes', `${4 * GIB}\n`);
    await folder.file('sys/fs/cgroup/memory/memory.usage_in_bytes', `${GIB}\n`);
    expect(await readLinuxSystemMemory(folder.root)).toEqual({ totalBytes: 4 * GIB, availableBytes: 3 * GIB });
  });

  it('is the machine’s without control groups, and an error without /proc', async () => {
    await folder.file('proc/meminfo', meminfo);
    expect(await readLinuxSystemMemory(folder.root)).toEqual({ totalBytes: 64 * GIB, availableBytes: 40 * GIB });
    await expect(readLinuxSystemMemory('/no/such/root')).rejects.toMatchObject({ code: 'probe-failed' });
  });
});

describe('readLinuxProcessMemory', () => {
  it('tells each process’s share, and nothing of those that are gone', async () => {
    await folder.file('proc/5/smaps_rollup', 'Rss:  100 kB\nPss:   60 kB\n');
    await folder.file('proc/6/statm', '765 438 409 5 0 123 0\n');
    await folder.file(
      'proc/8/smaps_rollup',
      'Rss:  100 kB\nPss:   90 kB\nPss_Anon:   20 kB\nPss_File:   65 kB\nPss_Shmem:   5 kB\n',
    );
    const { used, held } = await readLinuxProcessMemory(folder.root, [5, 6, 7, 8]);
    expect(used).toEqual(
      new Map([
        [5, 60 * 1024],
        [6, 438 * 4096],
        [8, 90 * 1024],
      ]),
    );
    // Pages of a file count as available; older kernels do not tell them apart.
    expect(held).toEqual(
      new Map([
        [5, 60 * 1024],
        [6, 438 * 4096],
        [8, 25 * 1024],
      ]),
    );
  });
});
