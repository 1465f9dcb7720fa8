import { chmod, lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';

/** See `ensurePrivateFolder`. */
export async function ensureOwnedFolderPosix(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // lstat, not stat: what a link points to may be fine now and something else a moment later.
  const stats = await lstat(path);
  const refuse = (what: string): AppError =>
    new AppError('forbidden', `Corral cannot keep private files in ${path}: it ${what}. Remove it and start again.`);
  if (stats.isSymbolicLink()) throw refuse('is a symbolic link');
  if (!stats.isDirectory()) throw refuse('is not a folder');
  const uid = process.getuid?.();
  if (stats.uid !== uid) throw refuse(`belongs to another user (uid ${stats.uid}, not ${uid ?? 'ours'})`);
  if ((stats.mode & 0o777) !== 0o700) await chmod(path, 0o700);
}
