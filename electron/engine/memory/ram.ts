import type { MemoryProbe } from '../ports/memory-probe.ts';
import type { ReadSystemMemory } from './system-memory.ts';
import { allEnded } from './tool-runner.ts';

/** Bytes by process. */
export interface ProcessMemory {
  readonly used: ReadonlyMap<number, number>;
  /** Without what is mapped from files, which the system counts as available; undefined where that is not told apart. */
  readonly held: ReadonlyMap<number, number> | undefined;
}

/** System memory by process, for those whose share is wanted; undefined if the system does not tell. */
export type ReadProcessMemory = (signal: AbortSignal) => Promise<ProcessMemory | undefined>;

export interface RamProbeOptions {
  readonly readSystemMemory: ReadSystemMemory;
  readonly readProcessMemory: ReadProcessMemory;
}

/** System memory, which every machine has. */
export function createRamProbe({ readSystemMemory, readProcessMemory }: RamProbeOptions): MemoryProbe {
  return {
    name: 'system memory',
    async read(signal) {
      const [{ totalBytes, availableBytes }, memory] = await allEnded([
        readSystemMemory(signal),
        readProcessMemory(signal),
      ] as const);
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
          usedByPid: memory?.used,
          heldByPid: memory?.held,
        },
      ];
    },
  };
}
