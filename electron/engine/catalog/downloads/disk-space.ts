import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { formatSize } from '#shared/model/units.ts';
import { downloadError } from './download-errors.ts';

/** Left free for everybody else. */
const RESERVE_BYTES = 256 * 2 ** 20;

/** Bytes this user may still write to the disk of a folder, which need not exist yet. */
export async function freeDiskBytes(folder: string): Promise<number> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === path.dirname(at)) throw error;
    }
  }
}

/** Throws `download-failed` if what is still missing would not fit. */
export function checkDiskSpace(missingBytes: number, freeBytes: number, folder: string): void {
  if (missingBytes === 0 || missingBytes + RESERVE_BYTES <= freeBytes) return;
  throw downloadError(
    'disk-full',
    `There is not enough space for the download on the disk of ${folder}: ${formatSize(missingBytes)} are needed, and ${formatSize(RESERVE_BYTES)} to spare, where ${formatSize(freeBytes)} are free. Make room, or set HF_HUB_CACHE to a folder on another disk.`,
  );
}
