import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryMonitor, type MemoryMonitor } from '../../electron/engine/memory/memory-monitor.ts';
import { createPlatformProbes } from '../../electron/engine/memory/platform-probes.ts';
import { systemClock } from '../../electron/engine/ports/clock.ts';
import { createToolFolder, isAlive, type ToolFolder } from '../unit/memory/support/tool-folder.posix.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const fixtureFile = (file: string): string => new URL(`../fixtures/memory-probes/${file}`, import.meta.url).pathname;
const show = (file: string): string => `cat '${fixtureFile(file)}'`;

let folder: ToolFolder;
let monitor: MemoryMonitor | undefined;

beforeEach(async () => {
  folder = await createToolFolder();
  await folder.file('proc/meminfo', `MemTotal: ${64 * 1024 * 1024} kB\nMemAvailable: ${40 * 1024 * 1024} kB\n`);
  await folder.file('proc/60112/smaps_rollup', 'Pss:    2048 kB\n');
});
afterEach(async () => {
  await monitor?.close();
  monitor = undefined;
  await folder.remove();
});

interface Options {
  readonly platform?: NodeJS.Platform;
  readonly env?: NodeJS.ProcessEnv;
  readonly engineExecutable?: string;
  readonly toolDeadlineMs?: number;
}

/** The probes as the engine has them, on a machine whose tools and kernel are those of the folder. */
function createMonitor({
  platform = 'linux',
  env = {},
  engineExecutable,
  toolDeadlineMs,
}: Options = {}): MemoryMonitor {
  monitor = createMemoryMonitor({
    ...createPlatformProbes({
      platform,
      env: { PATH: folder.searchPath, ...env },
      clock: systemClock,
      pids: () => [60112],
      engineExecutable: () => engineExecutable,
      root: folder.root,
      ...(toolDeadlineMs === undefined ? {} : { toolDeadlineMs }),
    }),
    clock: systemClock,
  });
  return monitor;
}

const nvidiaSmi = (gpus: string, more = ''): string => `
  echo "$1" >> "$NOTES"
  case "$1" in
    --query-gpu=*) ${gpus} ;;
    --query-compute-apps=*) ${show('nvidia-smi/apps.txt')} ;;
    ${more}
  esac`;

const listing = (file: string): Promise<string> =>
  folder.tool('llama-server', `[ "$1" = --list-devices ] && ${show(`list-devices/${file}.txt`)}`);

describe('a machine with NVIDIA’s GPUs', () => {
  it('has them under llama-server’s names, with what each process takes', async () => {
    await folder.tool('nvidia-smi', nvidiaSmi(show('nvidia-smi/gpus-unequal.txt')));
    const { devices, problems } = await createMonitor({
      engineExecutable: await listing('build-11669-cuda-two'),
    }).read();
    expect(problems).toEqual([]);
    expect(devices).toMatchObject([
      {
        id: 'CUDA0',
        uuid: 'GPU-0a6f1d3e-8a6c-3d11-9a35-6f9f0f0c2b11',
        pciAddress: '0000:65:00.0',
        totalBytes: 24576 * MIB,
        freeBytes: 24247 * MIB,
        usedByPid: new Map(),
        isListed: true,
      },
      { id: 'CUDA1', pciAddress: '0000:17:00.0', freeBytes: 7012 * MIB },
      { id: 'RAM', totalBytes: 64 * GIB, freeBytes: 40 * GIB, usedByPid: new Map([[60112, 2 * MIB]]) },
    ]);
  });

  it('has the one that CUDA_VISIBLE_DEVICES leaves, though another is like it', async () => {
    await folder.tool('nvidia-smi', nvidiaSmi(show('nvidia-smi/gpus-equal.txt')));
    const engineExecutable = await folder.tool(
      'llama-server',
      'echo "Available devices:"; echo "  CUDA0: NVIDIA GeForce RTX 3090 (24112 MiB, 11800 MiB free)"',
    );
    const { devices } = await createMonitor({ engineExecutable, env: { CUDA_VISIBLE_DEVICES: '1' } }).read();
    expect(devices).toMatchObject([
      { id: 'CUDA0', pciAddress: '0000:0b:00.0', freeBytes: 12001 * MIB },
      { id: 'GPU-11111111-aaaa-4444-8888-000000000001', isListed: false },
      { id: 'RAM' },
    ]);
  });

  it('has the instances of one that is divided', async () => {
    const more = `-q) ${show('nvidia-smi/query-mig.txt')} ;; -L) ${show('nvidia-smi/listing-mig.txt')} ;;`;
    await folder.tool('nvidia-smi', nvidiaSmi(show('nvidia-smi/gpus-mig.txt'), more));
    const { devices } = await createMonitor().read();
    expect(devices.map(({ id, name, totalBytes }) => [id, name, totalBytes / MIB])).toEqual([
      ['GPU-7c1b9f52-33aa-94f0-5a3b-1d1b42e3a901', 'NVIDIA GeForce RTX 3070', 8192],
      ['MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f', 'NVIDIA A100-SXM4-40GB MIG 3g.20gb', 19968],
      ['MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb', 'NVIDIA A100-SXM4-40GB MIG 2g.10gb', 9856],
      ['RAM', 'System memory', 65536],
    ]);
  });

  it('asks an old driver for what it knows, and remembers', async () => {
    await folder.tool(
      'nvidia-smi',
      nvidiaSmi(
        `case "$1" in *mig*) ${show('nvidia-smi/invalid-field.txt')}; exit 2 ;; *) ${show('nvidia-smi/gpus-before-mig.txt')} ;; esac`,
      ),
    );
    const reader = createMonitor();
    expect((await reader.read()).devices[0]).toMatchObject({ id: 'CUDA0', name: 'GeForce GTX 1080 Ti' });
    await reader.read();
    const questions = (await folder.notes()).filter((note) => note.startsWith('--query-gpu'));
    expect(questions.map((question) => question.includes('mig'))).toEqual([true, false, false]);
  });

  it('shares the system’s memory with one that has none of its own', async () => {
    await folder.tool('nvidia-smi', nvidiaSmi(show('nvidia-smi/gpus-unified.txt')));
    expect((await createMonitor().read()).devices[0]).toMatchObject({
      id: 'CUDA0',
      kind: 'unified',
      name: 'NVIDIA GB10',
      totalBytes: 64 * GIB,
      freeBytes: 40 * GIB,
    });
  });

  it('has none if the tool says so, and keeps the rest if only processes cannot be listed', async () => {
    await folder.tool('nvidia-smi', 'echo "No devices were found"; exit 6');
    expect((await createMonitor().read()).devices.map(({ id }) => id)).toEqual(['RAM']);
    await monitor?.close();
    await folder.tool(
      'nvidia-smi',
      nvidiaSmi(show('nvidia-smi/gpus-one.txt')).replace(show('nvidia-smi/apps.txt'), 'echo garbage; exit 3'),
    );
    const { devices, problems } = await createMonitor().read();
    expect(devices[0]).toMatchObject({ id: 'CUDA0', usedByPid: undefined });
    expect(problems).toEqual([]);
  });
});

describe('a machine with other GPUs', () => {
  it('has AMD’s through amd-smi where the kernel’s files are not to be seen', async () => {
    await folder.tool(
      'amd-smi',
      `echo "$1" >> "$NOTES"
       case "$1" in
         metric) ${show('amd-smi/metric-list.txt')} ;; list) ${show('amd-smi/list.txt')} ;;
         static) ${show('amd-smi/static-asic.txt')} ;; process) ${show('amd-smi/process.txt')} ;;
       esac`,
    );
    const reader = createMonitor({ engineExecutable: await listing('rocm') });
    expect((await reader.read()).devices[0]).toMatchObject({
      id: 'ROCm0',
      vendor: 'amd',
      name: 'AMD Radeon RX 7900 XTX',
      uuid: 'c2ff744c-0000-1000-8017-1ff77417f1d6',
      pciAddress: '0000:03:00.0',
      freeBytes: 23778 * MIB,
      usedByPid: new Map([[60112, 734003200]]),
    });
    await reader.read();
    expect((await folder.notes()).toSorted()).toEqual(['list', 'metric', 'metric', 'process', 'process', 'static']);
  });

  it('has AMD’s through rocm-smi where there is nothing newer', async () => {
    await folder.tool('rocm-smi', show('rocm-smi/old.txt'));
    await folder.file('proc/60112/fdinfo/7', readFileSync(fixtureFile('linux/fdinfo-amdgpu-5.19.txt')));
    expect((await createMonitor().read()).devices).toMatchObject([
      { id: '0000:03:00.0', totalBytes: 25753026560, usedByPid: new Map([[60112, 512 * MIB]]) },
      { id: '0000:0e:00.0', name: 'Raphael', usedByPid: new Map() },
      { id: 'RAM' },
    ]);
  });

  it('has AMD’s from the kernel without running anything', async () => {
    await folder.tool('amd-smi', 'echo ran >> "$NOTES"');
    const device = 'sys/class/drm/card0/device';
    await folder.file(`${device}/uevent`, 'PCI_ID=1002:744C\nPCI_SLOT_NAME=0000:03:00.0\n');
    await folder.file(`${device}/mem_info_vram_total`, `${24560 * MIB}\n`);
    await folder.file(`${device}/mem_info_vram_used`, `${60 * MIB}\n`);
    const { devices } = await createMonitor({ engineExecutable: await listing('rocm') }).read();
    expect(devices[0]).toMatchObject({ id: 'ROCm0', name: 'AMD Radeon RX 7900 XTX', freeBytes: 24500 * MIB });
    expect(await folder.notes()).toEqual([]);
  });

  it('has Intel’s through xpu-smi', async () => {
    await folder.tool(
      'xpu-smi',
      `case "$*" in
         *-d*discovery*|discovery*-d*) ${show('xpu-smi/discovery-device.txt')} ;;
         discovery*) ${show('xpu-smi/discovery.txt')} ;; stats*) ${show('xpu-smi/stats.txt')} ;;
       esac`,
    );
    await folder.file('proc/60112/fdinfo/7', readFileSync(fixtureFile('linux/fdinfo-i915.txt')));
    expect((await createMonitor().read()).devices[0]).toMatchObject({
      id: '0000:03:00.0',
      vendor: 'intel',
      totalBytes: 16910163968,
      freeBytes: 16910163968 - 1228.75 * MIB,
      usedByPid: new Map([[60112, 512 * MIB]]),
    });
  });

  it('has Apple’s, up to the limit for the GPU', async () => {
    await folder.tool('sysctl', `${show('macos/sysctl-m2-max.txt')}; exit 1`);
    await folder.tool('vm_stat', show('macos/vm-stat.txt'));
    await folder.tool('ps', show('macos/ps.txt'));
    const { devices, problems } = await createMonitor({
      platform: 'darwin',
      engineExecutable: await listing('metal'),
    }).read();
    expect(problems).toEqual([]);
    expect(devices).toMatchObject([
      {
        id: 'Metal',
        kind: 'unified',
        name: 'Apple M2 Max',
        totalBytes: 21845 * MIB,
        freeBytes: 16384 * (12345 + 598310 + 10201),
        usedByPid: new Map([
          [501, 10 * MIB],
          [99998, 24 * GIB],
        ]),
      },
      { id: 'RAM' },
    ]);
  });

  it('has whatever llama-server lists, and asks it for what is free each time', async () => {
    const engineExecutable = await folder.tool(
      'llama-server',
      'echo x >> "$NOTES"; echo "Available devices:"; echo "  Vulkan0: Radeon RX 6600 (8176 MiB, $((8000 - $(wc -l < "$NOTES"))) MiB free)"',
    );
    const reader = createMonitor({ engineExecutable });
    expect((await reader.read()).devices[0]).toMatchObject({ id: 'Vulkan0', vendor: 'amd', freeBytes: 7999 * MIB });
    expect((await reader.read()).devices[0]).toMatchObject({ id: 'Vulkan0', freeBytes: 7998 * MIB });
  });

  it('has none under a build that cannot list them, or lists itself on the other stream', async () => {
    const old = await folder.tool('llama-server', `${show('list-devices/no-option.txt')} >&2; exit 1`);
    const reading = await createMonitor({ engineExecutable: old }).read();
    expect(reading).toMatchObject({ devices: [{ id: 'RAM' }], problems: [] });
    await monitor?.close();
    const other = await folder.tool('llama-server', `${show('list-devices/rocm.txt')} >&2`);
    expect((await createMonitor({ engineExecutable: other }).read()).devices[0]).toMatchObject({ id: 'ROCm0' });
  });
});

describe('tools that fail', () => {
  const good = nvidiaSmi(show('nvidia-smi/gpus-one.txt'));

  /** Every such failure leaves the last good reading, marked, and system memory as it is now. */
  async function expectStaleAfter(script: string | undefined, problem: RegExp, options: Options = {}): Promise<void> {
    await folder.tool('nvidia-smi', good);
    const reader = createMonitor(options);
    const first = await reader.read();
    expect(first.devices[0]).toMatchObject({ id: 'CUDA0', freeBytes: 23986 * MIB, isStale: false });

    if (script === undefined) await folder.removeTool('nvidia-smi');
    else await folder.tool('nvidia-smi', script);
    const second = await reader.read();
    expect(second.devices).toMatchObject([
      { id: 'CUDA0', freeBytes: 23986 * MIB, isStale: true, readAtMs: first.devices[0]?.readAtMs },
      { id: 'RAM', isStale: false },
    ]);
    expect(second.devices[1]?.readAtMs).toBeGreaterThanOrEqual(second.readAtMs);
    expect(second.problems).toMatchObject([{ probe: 'nvidia-smi' }]);
    expect(second.problems[0]?.message).toMatch(problem);
    expect(second.devices[0]?.problem).toBe(second.problems[0]?.message);
  }

  it.each<[string, string | undefined, RegExp]>([
    ['is gone', undefined, /no longer tells of the devices/],
    ['prints garbage', 'head -c 3000 /dev/urandom', /printed a line that is no GPU|memory that is no number/],
    ['is cut off', 'printf "GPU-5206045b-2a1c, 00000000:01:00.0, 245"', /printed a line that is no GPU/],
    ['prints 10 MB', 'head -c 10485760 /dev/zero | tr "\\\\0" a', /more than 4 MiB/],
    ['cannot reach its driver', `${show('nvidia-smi/no-driver.txt')}; exit 9`, /exit code 9: NVIDIA-SMI has failed/],
    ['crashes', 'kill -SEGV $$', /was ended by SIGSEGV/],
  ])('leave the last good reading: one that %s', async (_, script, problem) => {
    await expectStaleAfter(script, problem);
  });

  it('leave the last good reading: one that hangs, which is killed with what it started', async () => {
    await expectStaleAfter('echo $$ >> "$NOTES"; sleep 600 & echo $! >> "$NOTES"; wait', /did not end within 0\.8 s/, {
      toolDeadlineMs: 800,
    });
    const pids = (await folder.notes()).map(Number).filter((pid) => pid > 0);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await expect.poll(() => pids.filter(isAlive), { timeout: 5000 }).toEqual([]);
  });

  it('are good again when they are mended', async () => {
    await folder.tool('nvidia-smi', 'echo garbage');
    const reader = createMonitor();
    expect((await reader.read()).problems).toHaveLength(1);
    await folder.tool('nvidia-smi', good);
    await expect
      .poll(() => reader.read(), { timeout: 10_000, interval: 250 })
      .toMatchObject({
        problems: [],
        devices: [{ id: 'CUDA0', isStale: false }, { id: 'RAM' }],
      });
  });

  it('are ended with the monitor', async () => {
    await folder.tool('nvidia-smi', 'echo $$ >> "$NOTES"; sleep 600');
    const reader = createMonitor();
    const reading = reader.read();
    await expect.poll(() => folder.notes()).toHaveLength(2);
    await reader.close();
    await reading;
    const pids = (await folder.notes()).map(Number);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('do not matter on a machine that has none of them', async () => {
    expect(await createMonitor({ engineExecutable: '/no/such/llama-server' }).read()).toMatchObject({
      devices: [{ id: 'RAM' }],
      problems: [],
    });
  });
});
