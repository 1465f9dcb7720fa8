import { AppError } from '#shared/contract/errors.ts';

/** The error for a data folder that another process holds. */
export function alreadyRunningError(dataFolder: string, pid: number | undefined): AppError {
  const who = pid === undefined ? 'another process that does not answer' : `process ${pid}`;
  return new AppError(
    'already-running',
    `Corral is already running (${who}) with the data folder ${dataFolder}. Use that one, stop it first, or choose another folder with --data-dir.`,
    { details: { dataFolder, ...(pid === undefined ? {} : { pid }) } },
  );
}
