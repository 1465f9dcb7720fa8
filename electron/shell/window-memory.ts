import { readFile } from 'node:fs/promises';
import { parseWindowState, type WindowState } from './window-state.ts';

export interface WindowMemory {
  /** Where the window was; undefined if that is not known. */
  read(): Promise<WindowState | undefined>;
  write(state: WindowState): void;
  /** Resolves once the last state is on disk. */
  flush(): Promise<void>;
}

/** Keeps where the window was in a file, whose loss costs nothing but a drag. */
export function createWindowMemory(options: {
  readonly filePath: string;
  /** Leaves the old file or the new one, whole. */
  writeFile(path: string, text: string): Promise<void>;
  log(line: string): void;
}): WindowMemory {
  const { filePath, log } = options;
  let work: Promise<void> = Promise.resolve();
  let waiting: WindowState | undefined;

  async function writeWaiting(): Promise<void> {
    const state = waiting;
    waiting = undefined;
    if (state === undefined) return;
    try {
      await options.writeFile(filePath, `${JSON.stringify(state)}\n`);
    } catch (thrown) {
      log(`warn The window's place could not be saved in ${filePath}: ${(thrown as Error).message}`);
    }
  }

  return {
    async read() {
      try {
        return parseWindowState(await readFile(filePath, 'utf8'));
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') {
          log(`warn The window's last place in ${filePath} cannot be read: ${(thrown as Error).message}`);
        }
        return undefined;
      }
    },
    write(state) {
      const isScheduled = waiting !== undefined;
      waiting = state;
      if (!isScheduled) work = work.then(writeWaiting);
    },
    flush: () => work,
  };
}
