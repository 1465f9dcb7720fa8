import { mkdir, realpath } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { alreadyRunningError } from './already-running.ts';
import { fingerprint } from './config-folders.ts';
import type { DataFolderLock, DataFolderLockOptions } from './data-folder-lock.ts';
import { windowsLockPipe } from './folders-windows.ts';
import { listenWithPid, probePid } from './lock-pid-server.ts';

/** A holder that is just ending has refused the pipe and is gone when asked; it is worth a few more tries. */
const ATTEMPTS = 20;
const RETRY_DELAY_MS = 50;

/** See `acquireDataFolderLock`. A named pipe has one first owner and goes with it, so nothing can be left over. */
export async function acquireLockWindows(options: DataFolderLockOptions): Promise<DataFolderLock> {
  await mkdir(options.dataFolder, { recursive: true });
  const folder = await realpath(options.dataFolder);
  return holdPipe(windowsLockPipe(fingerprint(folder.toLowerCase(), 16)), { ...options, dataFolder: folder });
}

/** Owns the pipe at `pipePath`, or throws `already-running`. */
export async function holdPipe(
  pipePath: string,
  options: Pick<DataFolderLockOptions, 'dataFolder' | 'pid' | 'signal'>,
): Promise<DataFolderLock> {
  const { dataFolder, pid, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      const server = await listenWithPid(pipePath, pid);
      let released: Promise<void> | undefined;
      return { release: () => (released ??= server.close()) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    }
    const probe = await probePid(pipePath, signal);
    if (probe.kind === 'alive' || attempt === ATTEMPTS) {
      throw alreadyRunningError(dataFolder, probe.kind === 'alive' ? probe.pid : undefined);
    }
    await sleep(RETRY_DELAY_MS, undefined, signal === undefined ? {} : { signal });
  }
}
