import { createHash } from 'node:crypto';
import { lstat, open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { MAX_CONFIG_BYTES } from './load-config.ts';

/** The configuration file as bytes: reading it for an edit or a look, and saying what the system holds against that. */

export interface CurrentFile {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mode: number;
}

/** What is to be done with the file, for what is said if it cannot be. */
type Purpose = 'saved' | 'read';

/** Undefined if there is no file. */
export async function readCurrent(filePath: string, purpose: Purpose = 'saved'): Promise<CurrentFile | undefined> {
  let info;
  try {
    info = await stat(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await refuseDanglingLink(filePath, purpose);
    return undefined;
  }
  // To read a pipe would take what is in it, or wait for ever.
  if (!info.isFile()) throw fileConflict(filePath, 'it is not a regular file', 'special', purpose);
  if (info.size > MAX_CONFIG_BYTES) throw fileConflict(filePath, 'it is larger than 4 MiB', 'too-large', purpose);
  const file = await open(filePath, 'r');
  try {
    const bytes = await file.readFile();
    return { bytes, digest: createHash('sha256').update(bytes).digest('hex'), mode: info.mode & 0o777 };
  } finally {
    await file.close();
  }
}

/** To write through such a link would mean to make a file somewhere else; to replace it would lose the link. */
async function refuseDanglingLink(filePath: string, purpose: Purpose): Promise<void> {
  try {
    await lstat(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  throw fileConflict(filePath, 'it is a symbolic link to a file that is not there', 'ENOENT', purpose);
}

/** Failures of the system in words; the file is as it was after each of them. */
export async function describeFailure<Result>(
  filePath: string,
  action: () => Promise<Result>,
  purpose: Purpose = 'saved',
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof AppError || code === undefined || !(error instanceof Error)) throw error;
    throw fileConflict(filePath, systemProblems[code] ?? `the system refused (${code})`, code, purpose, error);
  }
}

const systemProblems: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no space left on its disk; make room and try again',
  EDQUOT: "this user's quota on its disk is used up; make room and try again",
  EACCES: 'this user may not read or write it, or in its folder; check the permissions',
  EPERM: 'this user may not read or write it, or in its folder; check the permissions',
  EROFS: 'its file system is read-only; use a file elsewhere (--config)',
  ENOTDIR: 'a part of its path is not a folder; check the path',
};

export function fileConflict(
  filePath: string,
  problem: string,
  reason: string,
  purpose: Purpose = 'saved',
  cause?: unknown,
): AppError {
  return new AppError('conflict', `${filePath} could not be ${purpose}: ${problem}. It was left as it was.`, {
    details: { filePath, reason },
    cause,
  });
}

/** Undefined for what is no UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    // A byte order mark is kept, since the file is written back.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

export function newFileText(filePath: string, schemaPath: string | undefined): string {
  if (extname(filePath).toLowerCase() === '.json') return '{\n}\n';
  const schemaLine = schemaPath === undefined ? '' : `# yaml-language-server: $schema=${schemaPath}\n`;
  return `${schemaLine}# Configuration of Corral. Changes take effect while it runs.\n`;
}
