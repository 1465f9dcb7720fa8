import { randomBytes } from 'node:crypto';
import { open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFilePosix } from './replace-file-posix.ts';
import { replaceFileWindows } from './replace-file-windows.ts';

export interface AtomicWriteOptions {
  /** Permissions of the file; those of the one it replaces if unset, else what the umask leaves of 0666. */
  readonly mode?: number;
}

/**
 * Writes a file so that a reader, or a crash at any moment, meets the old content or the new one, whole: a temporary file
 * in the same folder, fsync, rename, fsync of the folder. A symbolic link is written through, not replaced. The temporary
 * file is gone afterwards, whatever happens. Rejects with the system's error (ENOSPC, EACCES, …). Two writers at once do
 * no harm; the last one stays.
 */
export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const target = await unlessMissing(realpath(path), path);
  const mode = options.mode ?? (await unlessMissing(stat(target), undefined))?.mode;
  const tempPath = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(tempPath, 'wx', mode === undefined ? 0o666 : mode & 0o777);
  try {
    try {
      await file.writeFile(data);
      // The umask may have taken bits that were asked for.
      if (mode !== undefined) await file.chmod(mode & 0o777);
      await file.sync();
    } finally {
      await file.close();
    }
    await (process.platform === 'win32' ? replaceFileWindows(tempPath, target) : replaceFilePosix(tempPath, target));
  } catch (error) {
    await rm(tempPath, { force: true });
    throw error;
  }
}

async function unlessMissing<Found, Missing>(found: Promise<Found>, missing: Missing): Promise<Found | Missing> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missing;
    throw error;
  }
}
