import { acquireLockPosix } from './data-folder-lock-posix.ts';
import { acquireLockWindows } from './data-folder-lock-windows.ts';

export interface DataFolderLock {
  /** Lets others have the data folder. Idempotent. */
  release(): Promise<void>;
}

export interface DataFolderLockOptions {
  readonly dataFolder: string;
  /** Where the socket goes (not on Windows); its path is short enough, see `runtimeFolder`. */
  readonly runtimeFolder: string;
  readonly platform: NodeJS.Platform;
  /** Told to others who want the data folder. */
  readonly pid: number;
  readonly signal?: AbortSignal;
}

/**
 * Makes this process the one holder of a data folder, which is created if it is missing. The system ends the lock with
 * the process, however that dies. Of several that try at the same moment exactly one gets it. Throws `already-running`,
 * with the holder's number in the message and in `details.pid`, or the reason of `signal`.
 */
export async function acquireDataFolderLock(options: DataFolderLockOptions): Promise<DataFolderLock> {
  return options.platform === 'win32' ? acquireLockWindows(options) : acquireLockPosix(options);
}
