import type { Clock } from '../ports/clock.ts';
import type { MemoryProbe } from '../ports/memory-probe.ts';
import { createAmdProbe } from './amd.ts';
import { createAppleProbe } from './apple-darwin.ts';
import { createDeviceList } from './device-list.ts';
import { createIntelProbe } from './intel.ts';
import { createNvidiaProbe } from './nvidia-smi.ts';
import { createRamProbe } from './ram.ts';
import { createSystemMemoryReader } from './system-memory.ts';
import { createToolRunner } from './tool-runner.ts';

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

/** Every probe there is for this platform; those for what the machine lacks find nothing. For `createMemoryMonitor`. */
export function createPlatformProbes(options: PlatformProbesOptions): {
  readonly probes: readonly MemoryProbe[];
  readonly deviceList: MemoryProbe;
} {
  const { platform, env, clock, pids, engineExecutable, toolDeadlineMs, root = '/' } = options;
  const runner = createToolRunner({
    platform,
    env,
    clock,
    ...(toolDeadlineMs === undefined ? {} : { deadlineMs: toolDeadlineMs }),
  });
  const readSystemMemory = createSystemMemoryReader({ platform, runner, root });
  const common = { runner, platform, pids, root, readSystemMemory };
  return {
    probes: [
      createNvidiaProbe({ ...common, env }),
      createAmdProbe(common),
      createIntelProbe(common),
      createAppleProbe(common),
      createRamProbe(common),
    ],
    deviceList: createDeviceList({ runner, executable: engineExecutable }),
  };
}
