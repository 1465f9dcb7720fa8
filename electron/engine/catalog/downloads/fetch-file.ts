import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { formatSize } from '#shared/model/units.ts';
import { delay, type Clock } from '../../ports/clock.ts';
import type { RepoFile } from './choose-files.ts';
import { downloadError, TransientError } from './download-errors.ts';
import { digestFile } from './file-digest.ts';
import { partPath, sizeIfPresent } from './hub-cache.ts';
import { bareEtag, explain, type FileAnswer, type HubClient } from './hub-client.ts';
import { claimPart } from './part-claim.ts';

export interface FetchFileOptions {
  readonly client: HubClient;
  readonly clock: Clock;
  readonly repo: string;
  readonly commit: string;
  readonly file: RepoFile;
  readonly blob: string;
  /** What the server called the bytes that are there already, from an earlier run. */
  readonly etag: string | undefined;
  readonly retries: RetryPolicy;
  onEtag(etag: string | undefined): void;
  /** Bytes that are on disk. */
  onReceived(bytes: number): void;
  /** In words; undefined once it goes on. */
  onWait(reason: string | undefined): void;
  onVerifying(): void;
}

export interface RetryPolicy {
  /** Tries after the first that bring nothing new, before it is given up. */
  readonly most: number;
  /** Before the first of them; doubled each time. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/** With the 25 s after which a stall is noticed, each try begins within 35 s of the one before (scorecard D4). */
export const defaultRetries: RetryPolicy = { most: 6, firstDelayMs: 1000, longestDelayMs: 8000 };

/**
 * Brings one file to where it belongs: continues what is there, tries again when the connection breaks or stalls, and lets
 * the file appear only once its digest was seen to be right. Bytes of two answers are joined only if the server says that
 * they are of the same file. What is left when it fails can be continued, unless the digest was wrong: then it is deleted.
 * False if all of it was there already. Throws `download-failed` and `not-found`, and the reason of `signal`.
 */
export async function fetchFile(options: FetchFileOptions, signal: AbortSignal): Promise<boolean> {
  const { clock, file, blob, retries } = options;
  const part = partPath(blob);
  await mkdir(path.dirname(blob), { recursive: true });
  /** The most that was ever there: less than that is no progress. */
  let most = 0;
  let failures = 0;
  let { etag } = options;

  for (;;) {
    if ((await sizeIfPresent(blob)) === file.sizeBytes) {
      options.onReceived(file.sizeBytes);
      return false;
    }
    try {
      const release = await claimPart(part, clock);
      try {
        await receive();
        await verify();
        return true;
      } finally {
        await release();
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof TransientError)) throw thrown;
      const reached = (await sizeIfPresent(part)) ?? 0;
      failures = reached > most ? 1 : failures + 1;
      most = Math.max(most, reached);
      if (failures > retries.most) {
        throw downloadError(
          'interrupted',
          `${file.path} could not be downloaded: ${thrown.message}, ${failures} times in a row. What has arrived is kept; resume the download when the connection is better.`,
          thrown,
        );
      }
      const backoffMs = Math.min(retries.firstDelayMs * 2 ** (failures - 1), retries.longestDelayMs);
      const waitMs = Math.max(backoffMs, thrown.retryAfterMs);
      options.onWait(`trying again in ${Math.ceil(waitMs / 1000)} s: ${thrown.message}`);
      await delay(clock, waitMs, signal);
      options.onWait(undefined);
    }
  }

  async function receive(): Promise<void> {
    const handle = await openPart(part);
    try {
      let offset = (await handle.stat()).size;
      if (offset > file.sizeBytes) offset = await startOver(handle);
      options.onReceived(offset);
      if (offset === file.sizeBytes) return;
      const { repo, commit } = options;
      const answer = await options.client.openFile({ repo, commit, path: file.path, offset, etag }, signal);
      try {
        await take(handle, answer, offset);
      } finally {
        answer.body.on('error', () => undefined).destroy();
      }
    } finally {
      const { size } = await handle.stat();
      await handle.close();
      // Nothing is nothing to go on with.
      if (size === 0 && file.sizeBytes > 0) await rm(part, { force: true });
    }
  }

  async function take(handle: FileHandle, answer: FileAnswer, offset: number): Promise<void> {
    const { linkedEtag } = answer;
    if (linkedEtag !== undefined && bareEtag(linkedEtag) !== file.digest.hex) {
      await startOver(handle);
      throw downloadError(
        'digest',
        `${file.path} at ${options.client.origin} is not the file its repository describes. Nothing of it was kept; try again later.`,
      );
    }
    let position = offset;
    if (answer.status === 200) {
      // All of it, whether the range was not understood or the file is another by now.
      if (offset > 0) position = await startOver(handle);
      if (answer.contentLength !== undefined && answer.contentLength !== file.sizeBytes) {
        throw new TransientError(
          `the server sends ${formatSize(answer.contentLength)} where ${formatSize(file.sizeBytes)} were announced`,
        );
      }
    } else if (!isContinuation(answer, offset)) {
      await startOver(handle);
      throw new TransientError('the server would not go on where it broke off');
    }
    if (position === 0 && answer.etag !== etag) {
      etag = answer.etag;
      options.onEtag(etag);
    }
    position = await writeBody(handle, answer, position);
    if (position < file.sizeBytes) throw new TransientError('the connection was lost');
    await handle.sync();
  }

  /** Whether an answer holds the very bytes that follow what is there. */
  function isContinuation({ status, contentRange, etag: found }: FileAnswer, offset: number): boolean {
    if (status !== 206 || (etag !== undefined && found !== etag)) return false;
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? [];
    return Number(start) === offset && Number(total) === file.sizeBytes;
  }

  async function writeBody(handle: FileHandle, { body }: FileAnswer, from: number): Promise<number> {
    let position = from;
    const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    for (;;) {
      const next = await chunks.next().catch((thrown: unknown) => {
        signal.throwIfAborted();
        throw new TransientError(`the connection was lost (${explain(thrown)})`, { cause: thrown });
      });
      if (next.done === true) return position;
      if (position + next.value.length > file.sizeBytes) {
        await startOver(handle);
        throw new TransientError('the server sends more than was announced');
      }
      await writeAll(handle, next.value, position).catch(rethrowDiskProblem);
      position += next.value.length;
      options.onReceived(position);
    }
  }

  async function startOver(handle: FileHandle): Promise<0> {
    await handle.truncate(0);
    etag = undefined;
    options.onEtag(undefined);
    options.onReceived(0);
    return 0;
  }

  async function verify(): Promise<void> {
    options.onVerifying();
    const found = await digestFile(part, file.digest.algorithm, signal);
    if (found !== file.digest.hex) {
      await rm(part, { force: true });
      options.onEtag(undefined);
      options.onReceived(0);
      throw downloadError(
        'digest',
        `${file.path} arrived damaged: its digest is not the one ${options.client.origin} tells. It was deleted; start the download again.`,
      );
    }
    await rename(part, blob);
  }

  function rethrowDiskProblem(thrown: unknown): never {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw downloadError(
        'disk-full',
        `There is no space left for ${file.path} on the disk of ${path.dirname(blob)}. What has arrived is kept; make room and resume the download.`,
        thrown,
      );
    }
    throw thrown;
  }
}

async function openPart(part: string): Promise<FileHandle> {
  try {
    return await open(part, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return await open(part, 'w+');
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** Anything thrown on the way, as what the caller is told. */
export function asDownloadError(thrown: unknown, what: string): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof TransientError) {
    return downloadError('unreachable', `${what} could not be downloaded: ${thrown.message}. Try again later.`, thrown);
  }
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === undefined) throw thrown;
  return downloadError(
    'file-system',
    `${what} could not be written: ${explain(thrown)}. Check the folder and its permissions.`,
    thrown,
  );
}
