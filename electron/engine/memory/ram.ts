import type { MemoryProbe } from '../ports/memory-probe.ts';
import { readDarwinProcessMemory } from './process-memory-darwin.ts';
import { readLinuxProcessMemory } from './process-memory-linux.ts';
import type { ReadSystemMemory } from './system-memory.ts';
import type { ToolRunner } from './tool-runner.ts';

export interface RamProbeOptions {
  readonly platform: NodeJS.Platform;
  readonly readSystemMemory: ReadSystemMemory;
  readonly runner: ToolRunner;
  /** The processes whose share is wanted. */
  readonly pids: () => readonly number[];
  readonly root?: string;
}

/** System memory, which every machine has. Who takes how much is told on Linux and macOS. */
export function createRamProbe(options: RamProbeOptions): MemoryProbe {
  const { platform, readSystemMemory, runner, pids, root = '/' } = options;
  return {
    name: 'system memory',
    async read(signal) {
      const readUsed = async (): Promise<{
        used?: ReadonlyMap<number, number> | undefined;
        held?: ReadonlyMap<number, number>;
      }> => {
        if (platform === 'linux') return await readLinuxProcessMemory(root, pids());
        return platform === 'darwin' ? { used: await readDarwinProcessMemory(runner, pids(), signal) } : {};
      };
      const [{ totalBytes, availableBytes }, { used, held }] = await Promise.all([
        readSystemMemory(signal),
        readUsed(),
      ]);
      return [
        {
          id: 'RAM',
          kind: 'ram',
          vendor: 'system',
          name: 'System memory',
          uuid: undefined,
          pciAddress: undefined,
          totalBytes,
          freeBytes: availableBytes,
          usedByPid: used,
          heldByPid: held,
        },
      ];
    },
  };
}
