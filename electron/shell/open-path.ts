import { shell } from 'electron';
import { AppError } from '#shared/contract/errors.ts';

/** Opens a file in the editor for its kind, or a folder in the file manager. Rejects with an `AppError` if that fails. */
export async function openPath(path: string): Promise<void> {
  const problem = await shell.openPath(path);
  if (problem === '') return;
  throw new AppError('not-found', `${path} could not be opened: ${problem}. Open it by hand to see what is wrong.`);
}
