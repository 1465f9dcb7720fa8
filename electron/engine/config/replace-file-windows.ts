import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Virus scanners and indexers let go of a file within a second or so. */
const retryDelaysMs = [10, 30, 100, 300, 1000];

/** Renames over `target`, again if another program has just opened it, which Windows answers with EPERM or EBUSY. */
export async function replaceFileWindows(tempPath: string, target: string): Promise<void> {
  for (const delayMs of retryDelaysMs) {
    try {
      await rename(tempPath, target);
      return;
    } catch (error) {
      if (!['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    await sleep(delayMs);
  }
  await rename(tempPath, target);
}
