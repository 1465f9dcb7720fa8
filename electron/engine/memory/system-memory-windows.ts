import { freemem, totalmem } from 'node:os';
import type { SystemMemory } from './system-memory.ts';

/** What Windows calls available (MEMORYSTATUSEX.ullAvailPhys, through libuv's uv_get_free_memory). */
export function readWindowsSystemMemory(): Promise<SystemMemory> {
  return Promise.resolve({ totalBytes: totalmem(), availableBytes: freemem() });
}
