import { mkdir } from 'node:fs/promises';
import { ensureOwnedFolderPosix } from './private-folder-posix.ts';

/**
 * Makes a folder that only this user may enter, with the folders above it; one that is there already is kept and closed
 * to others. On POSIX a symbolic link or a folder of somebody else is refused with `forbidden`: in a shared place such as
 * /tmp it may be a trap. On Windows the permissions of the user's profile are inherited.
 */
export async function ensurePrivateFolder(path: string, platform: NodeJS.Platform = process.platform): Promise<void> {
  if (platform === 'win32') await mkdir(path, { recursive: true });
  else await ensureOwnedFolderPosix(path);
}
