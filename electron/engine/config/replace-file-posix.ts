import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Renames over `target`, and makes the new entry of the folder last through a power cut. */
export async function replaceFilePosix(tempPath: string, target: string): Promise<void> {
  await rename(tempPath, target);
  const folder = await open(dirname(target), 'r');
  try {
    await folder.sync();
  } catch (error) {
    // Some network and FUSE file systems cannot sync a folder; the content is safe, and there is no other way.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await folder.close();
  }
}
