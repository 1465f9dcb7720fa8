import { probeFailure } from './probe-failure.ts';
import type { SystemMemory } from './system-memory.ts';
import { BYTES_PER_KIB } from './tool-values.ts';

/**
 * /proc/meminfo, in kB that are KiB. Kernels before 3.14 lack MemAvailable; what is free and what caches hold is near it.
 * Source: proc_meminfo(5). Throws `probe-failed`. Pure.
 */
export function parseMeminfo(text: string): SystemMemory {
  const bytesOf = (field: string): number | undefined => {
    const match = new RegExp(`^${field}:\\s+(\\d{1,15}) kB$`, 'm').exec(text);
    return match === null ? undefined : Number(match[1]) * BYTES_PER_KIB;
  };
  const totalBytes = bytesOf('MemTotal');
  const freeBytes = bytesOf('MemFree');
  const availableBytes =
    bytesOf('MemAvailable') ??
    (freeBytes === undefined ? undefined : freeBytes + (bytesOf('Buffers') ?? 0) + (bytesOf('Cached') ?? 0));
  if (totalBytes === undefined || availableBytes === undefined) {
    throw probeFailure('/proc/meminfo does not tell how much memory there is', { said: text });
  }
  return { totalBytes, availableBytes: Math.min(availableBytes, totalBytes) };
}
