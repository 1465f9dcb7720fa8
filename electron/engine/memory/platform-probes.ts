import type { Clock } from '../ports/clock.ts';
import type { MemoryProbe } from '../ports/memory-probe.ts';
import { createAmdProbe } from './amd.ts';
import { createAppleProbe } from './apple-darwin.ts';
import { createDeviceList } from './device-list.ts';
import { createIntelProbe } from './intel.ts';
import { createNvidiaProbe } from './nvidia-smi.ts';
import { createRamProbe } from './ram.ts';
import { nvidiaSmiOnLinux } from './nvidia-smi-locations-linux.ts';
import { nvidiaSmiOnWindows } from './nvidia-smi-locations-windows.ts';
import { readDarwinProcessMemory } from './process-memory-darwin.ts';
import { readLinuxProcessMemory } from './process-memory-linux.ts';
import type { SystemMemory } from './system-memory.ts';
import { readDarwinSystemMemory } from './system-memory-darwin.ts';
import { readLinuxSystemMemory } from './system-memory-linux.ts';
import { readWindowsSystemMemory } from './system-memory-windows.ts';
import { createToolRunner, type ToolRunner } from './tool-runner.ts';

export interface PlatformProbesOptions {
  readonly platform: NodeJS.Platform;
  /** What tools are looked for and run with, and what llama-server will be given. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Our children: whose share of memory is asked for where one has to ask for it. */
  readonly pids: () => readonly number[];
  /** The llama-server that runs models; undefined while there is none. */
  readonly engineExecutable: () => string | undefined;
  /** How long a vendor's tool may take. */
  readonly toolDeadlineMs?: number;
  /** Where /proc and /sys are. */
  readonly root?: string;
}

/** The probes of this platform; those for what the machine lacks find nothing. For `createMemoryMonitor`. */
export function createPlatformProbes(options: PlatformProbesOptions): {
  readonly probes: readonly MemoryProbe[];
  readonly deviceList: MemoryProbe;
} {
  const { platform, env, clock, engineExecutable, toolDeadlineMs } = options;
  const runner = createToolRunner({
    platform,
    env,
    clock,
    ...(toolDeadlineMs === undefined ? {} : { deadlineMs: toolDeadlineMs }),
  });
  return {
    probes: probesOf(options, runner),
    deviceList: createDeviceList({ runner, executable: engineExecutable }),
  };
}

function probesOf(
  { platform, env, pids, root = '/' }: PlatformProbesOptions,
  runner: ToolRunner,
): readonly MemoryProbe[] {
  if (platform === 'win32') {
    return [
      createNvidiaProbe({
        runner,
        candidates: nvidiaSmiOnWindows,
        env,
        readSystemMemory: readWindowsSystemMemory,
      }),
      createRamProbe({
        readSystemMemory: readWindowsSystemMemory,
        readProcessMemory: () => Promise.resolve(undefined),
      }),
    ];
  }
  if (platform === 'darwin') {
    const readSystemMemory = (signal: AbortSignal): Promise<SystemMemory> => readDarwinSystemMemory(runner, signal);
    return [
      createAppleProbe({ runner, readSystemMemory, pids }),
      createRamProbe({
        readSystemMemory,
        async readProcessMemory(signal) {
          const used = await readDarwinProcessMemory(runner, pids(), signal);
          return used === undefined ? undefined : { used, held: undefined };
        },
      }),
    ];
  }
  const readSystemMemory = (): Promise<SystemMemory> => readLinuxSystemMemory(root);
  return [
    createNvidiaProbe({ runner, candidates: nvidiaSmiOnLinux, env, readSystemMemory }),
    createAmdProbe({ runner, readSystemMemory, pids, root }),
    createIntelProbe({ runner, pids, root }),
    createRamProbe({ readSystemMemory, readProcessMemory: () => readLinuxProcessMemory(root, pids()) }),
  ];
}
