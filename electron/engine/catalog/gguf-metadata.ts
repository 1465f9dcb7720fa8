import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { orAborted } from '#shared/lib/or-aborted.ts';
import { AppError, deserialiseError } from '#shared/contract/errors.ts';
import type { MetadataReply, MetadataRequest } from './gguf-metadata-worker.ts';
import type { ModelKeys } from './gguf-model-file.ts';
import type { ModelMetadata } from './gguf-model-metadata.ts';
import { parseSplitName } from './gguf-split.ts';

/** Reads model files in a thread of its own and remembers what it found. */
export interface GgufMetadataReader {
  /**
   * What stands in the model file, and in its further parts if it is split. A file that has neither changed its size nor
   * its time of modification is not read again. Rejects with an AppError `start-failed` that says what is wrong and what
   * to do, and with the reason of `signal`; the thread then finishes the file, for the next who asks.
   */
  read(filePath: string, signal?: AbortSignal): Promise<ModelMetadata>;
  /** What `read` found last, which the file may have left behind meanwhile; undefined for one that was not read. At once. */
  known(filePath: string): ModelMetadata | undefined;
  /** Everything that stands in the file's header, for people to read; never remembered. Rejects like `read`. */
  readKeys(filePath: string, signal?: AbortSignal): Promise<ModelKeys>;
  /** Ends the thread. Reads that are under way reject with `shutting-down`, and so does every later one. */
  close(): Promise<void>;
}

/** Bounds what is remembered; one entry is a few KiB. */
const maxRemembered = 2000;
/** Far more than the largest vocabulary needs; a defect in the reader ends the thread and not Corral. */
const maxHeapMib = 256;

interface Entry {
  readonly stamp: string;
  readonly metadata: Promise<ModelMetadata>;
  found: ModelMetadata | undefined;
}

interface Waiting {
  readonly filePath: string;
  resolve(found: ModelMetadata | ModelKeys): void;
  reject(error: AppError): void;
}

/** The thread starts with the first file. `workerUrl` is where the built worker lies, if not beside the caller. */
export function createGgufMetadataReader(options: { readonly workerUrl?: URL } = {}): GgufMetadataReader {
  const workerUrl = options.workerUrl ?? new URL('./gguf-metadata-worker.js', import.meta.url);
  const remembered = new Map<string, Entry>();
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let lastId = 0;
  let isClosed = false;

  const settle = (reply: MetadataReply): void => {
    const entry = waiting.get(reply.id);
    waiting.delete(reply.id);
    // An idle thread does not keep the process alive.
    if (waiting.size === 0) worker?.unref();
    if (reply.ok) entry?.resolve(reply.found);
    else entry?.reject(deserialiseError(reply.error));
  };

  const giveUp = (thread: Worker, cause: unknown): void => {
    if (worker !== thread) return;
    worker = undefined;
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { filePath, reject } of lost) {
      reject(
        isClosed
          ? shuttingDown()
          : new AppError('start-failed', `The model file ${filePath} could not be read: ${describe(cause)}.`, {
              details: { file: filePath },
              cause,
            }),
      );
    }
  };

  const startWorker = (): Worker => {
    const thread = new Worker(workerUrl, {
      name: 'gguf-metadata',
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMib },
    });
    thread.on('message', settle);
    thread.on('error', (error) => giveUp(thread, error));
    thread.on('exit', (code) => giveUp(thread, new Error(`its reader ended with ${code}`)));
    return thread;
  };

  const ask = (filePath: string, wants: MetadataRequest['wants']): Promise<ModelMetadata | ModelKeys> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { filePath, resolve, reject });
      worker ??= startWorker();
      worker.ref();
      const request: MetadataRequest = { id: lastId, filePath, wants };
      worker.postMessage(request);
    });

  const lookUp = async (filePath: string): Promise<ModelMetadata> => {
    const stamp = await stampOf(filePath);
    if (isClosed) throw shuttingDown();
    const known = remembered.get(filePath);
    if (known?.stamp === stamp) return await known.metadata;
    const metadata = ask(filePath, 'metadata') as Promise<ModelMetadata>;
    remembered.delete(filePath);
    const entry: Entry = { stamp, metadata, found: known?.found };
    remembered.set(filePath, entry);
    const [oldest] = remembered.keys();
    if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
    try {
      entry.found = await metadata;
      return entry.found;
    } catch (error) {
      // A file that could not be read is tried again: what was wrong may not show in its stamp.
      if (remembered.get(filePath)?.metadata === metadata) remembered.delete(filePath);
      throw error;
    }
  };

  return {
    async read(filePath, signal) {
      signal?.throwIfAborted();
      if (isClosed) throw shuttingDown();
      return await orAborted(lookUp(filePath), signal);
    },
    known: (filePath) => remembered.get(filePath)?.found,
    async readKeys(filePath, signal) {
      signal?.throwIfAborted();
      await stampOf(filePath);
      if (isClosed) throw shuttingDown();
      return await orAborted(ask(filePath, 'keys') as Promise<ModelKeys>, signal);
    },
    async close() {
      isClosed = true;
      const thread = worker;
      if (thread === undefined) return;
      giveUp(thread, undefined);
      await thread.terminate();
    },
  };
}

/** Changes with the content, as far as the file system tells. A missing further part is found when it is read. */
async function stampOf(filePath: string): Promise<string> {
  const stamps: string[] = [];
  for (const path of parseSplitName(filePath)?.paths ?? [filePath]) {
    try {
      const stats = await stat(path);
      // Opening a named pipe would wait for somebody who writes to it.
      if (!stats.isFile()) throw refusal(path, 'is not an ordinary file. Give the path of a .gguf file.');
      stamps.push(`${stats.size}:${stats.mtimeMs}`);
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (path === filePath) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
        throw refusal(path, `could not be read (${code}). Check that it is there and may be read.`, error);
      }
      stamps.push('missing');
    }
  }
  return stamps.join(' ');
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'its reader ended';
}

function refusal(filePath: string, rest: string, cause?: unknown): AppError {
  return new AppError('start-failed', `The model file ${filePath} ${rest}`, {
    details: { file: filePath },
    ...(cause === undefined ? {} : { cause }),
  });
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'Corral is shutting down.');
}
