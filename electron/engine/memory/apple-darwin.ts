import type { MemoryProbe } from '../ports/memory-probe.ts';
import { parseAppleSysctl } from './apple-limits.ts';
import { readDarwinProcessMemory } from './process-memory-darwin.ts';
import type { ReadSystemMemory } from './system-memory.ts';
import { allEnded, type ToolRunner } from './tool-runner.ts';

const NAMES = ['hw.memsize', 'hw.optional.arm64', 'machdep.cpu.brand_string', 'iogpu.wired_limit_mb'];

export interface AppleProbeOptions {
  readonly runner: ToolRunner;
  readonly readSystemMemory: ReadSystemMemory;
  /** The processes whose share is wanted. */
  readonly pids: () => readonly number[];
}

/** The GPU of Apple's processors, which works in system memory up to a limit. */
export function createAppleProbe({ runner, readSystemMemory, pids }: AppleProbeOptions): MemoryProbe {
  return {
    name: 'Apple',
    async read(signal) {
      // It ends with an error if one name is unknown (iogpu before macOS 14), having printed the others.
      const output = await runner.run(['sysctl', '/usr/sbin/sysctl'], NAMES, { signal });
      const gpu = output === undefined ? undefined : parseAppleSysctl(output.stdout);
      if (gpu === undefined) return [];
      const [{ availableBytes }, usedByPid] = await allEnded([
        readSystemMemory(signal),
        readDarwinProcessMemory(runner, pids(), signal),
      ] as const);
      return [
        {
          id: 'MTL0',
          kind: 'unified',
          vendor: 'apple',
          name: gpu.name,
          uuid: undefined,
          pciAddress: undefined,
          totalBytes: gpu.workingSetBytes,
          freeBytes: Math.min(gpu.workingSetBytes, availableBytes),
          usedByPid,
        },
      ];
    },
  };
}
