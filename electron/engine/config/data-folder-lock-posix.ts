import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readlink, realpath, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { alreadyRunningError } from './already-running.ts';
import type { DataFolderLock, DataFolderLockOptions } from './data-folder-lock.ts';
import { listenWithPid, probePid } from './lock-pid-server.ts';
import { ensurePrivateFolder } from './private-folder.ts';

/**
 * The lock of a data folder on POSIX.
 *
 * A holder listens on a socket with a name nobody else has, in the runtime folder, and is registered in the data folder
 * by a symbolic link `lock/holder-<n>` to that socket. The folder counts as held while the process behind the highest
 * number answers. To take over from a dead one is to create the next number, and only one can, since creating a link
 * fails if the name is there. Replacing one fixed name instead would not do: of two that found it dead, the second would
 * put itself in the place of the first, which has just won.
 *
 * Whoever has created a number looks again, and gives up unless it is the highest: it may have been slow, and have
 * created a number that had come, gone and been cleaned up meanwhile. The highest number is never removed, and neither
 * are those just below it, so that a listing made during a change of hands cannot miss them all.
 *
 * The registration is in the data folder because that is what is locked: two starts may well have different runtime
 * folders (XDG_RUNTIME_DIR is missing in a cron job), but share this one.
 */

const HOLDER_NAME = /^holder-(\d{1,15})$/;
const SOCKET_PATH = /\/lock-[0-9a-f]{16}\.sock$/;

/** How many numbers below the highest are left in place. */
const KEPT_NUMBERS = 4;

/** Each further round means that another process took part in between; hundreds do not start at once. */
const MAX_ROUNDS = 200;

/** See `acquireDataFolderLock`. */
export async function acquireLockPosix(options: DataFolderLockOptions): Promise<DataFolderLock> {
  const { runtimeFolder, pid, signal } = options;
  await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
  const dataFolder = await realpath(options.dataFolder);
  const lockFolder = join(dataFolder, 'lock');
  await mkdir(lockFolder, { recursive: true, mode: 0o700 });
  await ensurePrivateFolder(runtimeFolder, options.platform);
  signal?.throwIfAborted();

  const socket = join(resolve(runtimeFolder), `lock-${randomBytes(8).toString('hex')}.sock`);
  const server = await listenWithPid(socket, pid);
  try {
    await register({ dataFolder, lockFolder, socket }, signal);
  } catch (error) {
    await server.close();
    throw error;
  }
  let released: Promise<void> | undefined;
  // Closing removes the socket. The link stays: it says which number comes next.
  return { release: () => (released ??= server.close()) };
}

async function register(
  place: { readonly dataFolder: string; readonly lockFolder: string; readonly socket: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  const { dataFolder, lockFolder, socket } = place;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    signal?.throwIfAborted();
    const highest = Math.max(0, ...(await listHolders(lockFolder)));
    if (highest > 0) {
      const holderSocket = await readHolder(lockFolder, highest);
      // Removed since it was listed: there are higher ones now.
      if (holderSocket === undefined) continue;
      const probe = await probePid(holderSocket, signal);
      if (probe.kind === 'alive') throw alreadyRunningError(dataFolder, probe.pid);
    }
    const mine = highest + 1;
    if (!(await createHolder(lockFolder, mine, socket))) continue;
    const holders = await listHolders(lockFolder);
    if (Math.max(...holders) === mine) {
      for (const number of holders) if (number < mine) await cleanUpAfter(lockFolder, number, mine);
      return;
    }
    await rm(holderPath(lockFolder, mine), { force: true });
  }
  throw alreadyRunningError(dataFolder, undefined);
}

function holderPath(lockFolder: string, number: number): string {
  return join(lockFolder, `holder-${number}`);
}

async function listHolders(lockFolder: string): Promise<number[]> {
  const names = await readdir(lockFolder);
  return names.flatMap((name) => {
    const digits = HOLDER_NAME.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
}

async function readHolder(lockFolder: string, number: number): Promise<string | undefined> {
  try {
    return await readlink(holderPath(lockFolder, number));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function createHolder(lockFolder: string, number: number, socket: string): Promise<boolean> {
  try {
    await symlink(socket, holderPath(lockFolder, number));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    throw new AppError(
      'conflict',
      `The file system of ${lockFolder} has no symbolic links, which Corral needs there; choose another folder with --data-dir.`,
      { cause: error },
    );
  }
}

/** Removes the socket of a holder that was killed, and its link once it is old. */
async function cleanUpAfter(lockFolder: string, number: number, highest: number): Promise<void> {
  const socket = await readHolder(lockFolder, number);
  // One that was too slow to win may still be listening; its socket is its own to remove.
  if (socket !== undefined && SOCKET_PATH.test(socket) && (await probePid(socket)).kind === 'dead') {
    await rm(socket, { force: true });
  }
  if (number < highest - KEPT_NUMBERS) await rm(holderPath(lockFolder, number), { force: true });
}
