import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';

/** Removes the sockets of processes that an earlier run left behind. Only the holder of the data folder may do that. */
export async function removeStaleSockets(runtimeFolder: string): Promise<void> {
  const names = await readdir(runtimeFolder);
  // Names as `freshSocketPath` makes them; the lock's own socket looks otherwise.
  const stale = names.filter((name) => /^[0-9a-f]{8}-[0-9a-f]{6}\.sock$/.test(name));
  await Promise.all(stale.map((name) => rm(path.join(runtimeFolder, name), { force: true })));
}

export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw thrown;
  }
}
