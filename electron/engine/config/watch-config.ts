import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { MAX_CONFIG_BYTES } from './load-config.ts';

/**
 * Notices that the configuration file may mean something else now. It looks at the path every 400 ms rather than
 * asking the system for events, because one `stat`, which follows every link anew, sees all there is: a rename over the
 * file, links swapped anywhere in its path, folders that come and go, file systems of other machines. Events would need a
 * watch in each folder on the way (and again after each change), get lost on network and container mounts, fail when a
 * user's inotify watches are used up, keep folders from being deleted on Windows, and wake for every line of a log that
 * lies beside the file, as it does on macOS. A look costs some 50 µs and a wake-up of two threads.
 *
 * It does not read what the file means; a deleted file counts as a change too.
 */

/** With the settling time this keeps the delay below 500 ms; a change is to be applied within a second. */
const LOOK_INTERVAL_MS = 400;

/** A writer that truncates the file and then fills it takes less than this; half a file must not be loaded. */
const SETTLE_MS = 50;

/** File systems with coarse times (2 s on FAT) hide a second edit of the same length, so new content is read for a while. */
const COARSE_TIME_MS = 3000;

export interface WatchConfigOptions {
  readonly filePath: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The content has changed, and has been still for 50 ms; called at most 500 ms after that began, one at a time. */
  onChange(): void;
  /** Ends the watch, as `close` does. */
  readonly signal?: AbortSignal;
}

export interface ConfigWatch {
  /**
   * Resolves once the content to compare with is known; never rejects. What is read after that is not older than it,
   * so a file that is loaded then has no change that goes unnoticed.
   */
  readonly ready: Promise<void>;
  /** No call of `onChange` begins after this was called; resolves when no file is open any more. Idempotent. */
  close(): Promise<void>;
}

/** Watches a path that need not exist yet. Its timers do not keep the process alive. */
export function watchConfig(options: WatchConfigOptions): ConfigWatch {
  const { filePath, clock, logger, onChange, signal } = options;
  let isClosed = false;
  let timer: Timer | undefined;
  let seen: string | undefined;
  let read: string | undefined;
  let digest: string | undefined;
  let changedAtMs = clock.nowMs();

  async function look(): Promise<void> {
    const print = await fingerprintOf(filePath);
    const isFirst = digest === undefined;
    let isStill = print.text === seen || isFirst;
    note(print);
    const isYoung = clock.nowMs() - changedAtMs < COARSE_TIME_MS;
    if (isStill && (print.text !== read || (print.isReadable && isYoung))) {
      const found = print.isReadable ? await digestOf(filePath) : print.text;
      const after = print.isReadable ? await fingerprintOf(filePath) : print;
      // What changes while it is read may have been read in halves.
      isStill = after.text === print.text;
      note(after);
      if (isStill || isFirst) {
        const hasChanged = !isFirst && found !== digest;
        read = print.text;
        digest = found;
        if (hasChanged) tell();
      }
    }
    schedule(isStill ? LOOK_INTERVAL_MS : SETTLE_MS);
  }

  function note(print: Fingerprint): void {
    if (print.text !== seen) changedAtMs = clock.nowMs();
    seen = print.text;
  }

  function tell(): void {
    if (isClosed) return;
    logger.log('debug', 'the configuration file has changed', { filePath });
    try {
      onChange();
    } catch (error) {
      logger.log('error', `a change of the configuration could not be handled: ${String(error)}`, { filePath });
    }
  }

  function schedule(delayMs: number): void {
    if (isClosed) return;
    timer = clock.setTimer(delayMs, () => {
      looking = look();
    });
  }

  const close = async (): Promise<void> => {
    isClosed = true;
    timer?.cancel();
    signal?.removeEventListener('abort', onAbort);
    await looking;
  };
  const onAbort = (): void => void close();

  let looking: Promise<void> = Promise.resolve();
  if (signal?.aborted === true) isClosed = true;
  else {
    signal?.addEventListener('abort', onAbort, { once: true });
    looking = look();
  }
  return { ready: looking, close };
}

interface Fingerprint {
  /** Another one means that the content may be another. */
  readonly text: string;
  /** A regular file; a pipe or a device would be emptied by reading it. */
  readonly isReadable: boolean;
}

/** Never rejects: what cannot be looked at is told apart by the system's code. */
async function fingerprintOf(filePath: string): Promise<Fingerprint> {
  try {
    const info = await stat(filePath, { bigint: true });
    if (!info.isFile()) return { text: `not a file ${info.dev}:${info.ino}`, isReadable: false };
    const { dev, ino, size, mtimeNs, ctimeNs } = info;
    const text = [dev, ino, size, mtimeNs, ctimeNs].join(':');
    return { text, isReadable: size <= BigInt(MAX_CONFIG_BYTES) };
  } catch (error) {
    return { text: codeOf(error), isReadable: false };
  }
}

/** Never rejects: what cannot be read is told apart by the system's code. */
async function digestOf(filePath: string): Promise<string> {
  try {
    const file = await open(filePath, 'r');
    try {
      return createHash('sha256')
        .update(await file.readFile())
        .digest('hex');
    } finally {
      await file.close();
    }
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
