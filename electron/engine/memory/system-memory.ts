import { freemem, totalmem } from 'node:os';
import { readLinuxSystemMemory } from './system-memory-linux.ts';
import { readDarwinSystemMemory } from './system-memory-darwin.ts';
import type { ToolRunner } from './tool-runner.ts';

export interface SystemMemory {
  /** What this process may use at most: all of the machine's, or the limit set for its group. */
  readonly totalBytes: number;
  /** What could be taken without swapping. Counts caches, and so the weights that are mapped from files. */
  readonly availableBytes: number;
}

/** Throws `probe-failed` if the system does not tell. */
export type ReadSystemMemory = (signal: AbortSignal) => Promise<SystemMemory>;

export interface SystemMemoryOptions {
  readonly platform: NodeJS.Platform;
  readonly runner: ToolRunner;
  /** Where /proc and /sys are. */
  readonly root?: string;
}

export function createSystemMemoryReader({ platform, runner, root = '/' }: SystemMemoryOptions): ReadSystemMemory {
  if (platform === 'linux') return () => readLinuxSystemMemory(root);
  if (platform === 'darwin') return (signal) => readDarwinSystemMemory(runner, signal);
  // On Windows this is what is available (MEMORYSTATUSEX.ullAvailPhys, through libuv's uv_get_free_memory).
  return () => Promise.resolve({ totalBytes: totalmem(), availableBytes: freemem() });
}
