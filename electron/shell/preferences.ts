import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '#shared/contract/errors.ts';

export interface PreferencesOptions {
  readonly filePath: string;
  /** Writes a file whole or not at all. */
  write(filePath: string, text: string): Promise<void>;
  log(line: string): void;
}

/** What belongs to this desktop and not to the configuration, which may be shared with a headless Corral. */
export interface Preferences {
  hasNotifications(): boolean;
  /** In force once it is written; rejects with an `AppError` if it cannot be. */
  setNotifications(isOn: boolean): Promise<void>;
}

const fileSchema = z.looseObject({ notifications: z.boolean().default(true) });

/** Reads the file; where there is none, or a damaged one, the defaults hold until something is set. */
export async function openPreferences({ filePath, write, log }: PreferencesOptions): Promise<Preferences> {
  let values = await read();
  /** The last write; the next one comes after it. */
  let writing: Promise<void> = Promise.resolve();

  async function read(): Promise<z.infer<typeof fileSchema>> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(filePath, 'utf8')));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') {
        log(`${filePath} cannot be read, so the preferences are as they were at first: ${(thrown as Error).message}`);
      }
      return fileSchema.parse({});
    }
  }

  async function save(next: z.infer<typeof fileSchema>): Promise<void> {
    try {
      await write(filePath, `${JSON.stringify(next, null, 2)}\n`);
      values = next;
    } catch (thrown) {
      throw new AppError(
        'conflict',
        `The preference could not be saved: ${(thrown as Error).message}. Make sure that ${filePath} can be written.`,
        { cause: thrown },
      );
    }
  }

  return {
    hasNotifications: () => values.notifications,
    setNotifications(isOn) {
      const saving = writing.then(() => save({ ...values, notifications: isOn }));
      // Whoever asked hears of a failure; it does not stop the one after it.
      writing = saving.catch(() => undefined);
      return saving;
    },
  };
}
