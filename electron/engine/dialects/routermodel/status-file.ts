import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '../../config/atomic-write.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { FullStatus } from './status-view.ts';

/** `model_status.json` in Corral's data folder: the state of models for programs that read files. */

export function statusFilePath(dataFolder: string): string {
  return path.join(dataFolder, 'model_status.json');
}

export interface StatusFile {
  /** Writes the newest state, a fifth of a second after the one before at the earliest. */
  write(status: FullStatus): void;
  /** Writes what is still to be written, and nothing from then on. */
  close(): Promise<void>;
}

/** Each write waits for the disk; nobody looks more often than this. */
const MIN_INTERVAL_MS = 200;

export function createStatusFile(
  filePath: string,
  { clock, onError }: { readonly clock: Clock; onError(error: Error): void },
): StatusFile {
  let next: FullStatus | undefined;
  let writing: Promise<void> | undefined;
  let pause: Timer | undefined;
  let written = '';
  let isClosed = false;

  async function writeNext(): Promise<void> {
    const text = `${JSON.stringify(next, undefined, 2)}\n`;
    next = undefined;
    if (text === written) return;
    try {
      await writeFileAtomically(filePath, text, { mode: 0o600 });
      written = text;
    } catch (error) {
      onError(error as Error);
    }
  }

  function start(): void {
    writing = writeNext().then(() => {
      writing = undefined;
      if (isClosed) return;
      pause = clock.setTimer(MIN_INTERVAL_MS, () => {
        pause = undefined;
        if (next !== undefined) start();
      });
    });
  }

  return {
    write(status) {
      if (isClosed) return;
      next = status;
      if (writing === undefined && pause === undefined) start();
    },
    async close() {
      isClosed = true;
      pause?.cancel();
      await writing;
      if (next !== undefined) await writeNext();
    },
  };
}

/** Undefined if there is none (yet). */
export async function readStatusFile(filePath: string): Promise<FullStatus | undefined> {
  try {
    return JSON.parse(await readFile(filePath, 'utf8')) as FullStatus;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
