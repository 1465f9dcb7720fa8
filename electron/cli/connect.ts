import { resolve } from 'node:path';
import type { Bridge } from '#shared/contract/bridge.ts';
import type { CommandName } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import { dataFolder } from '../engine/config/config-folders.ts';
import { readInstanceFile, type Instance } from '../engine/config/instance-file.ts';
import { processFolders } from '../engine/config/process-folders.ts';

/** Everything but these is answered at once by a Corral that is alive. */
const waitingCommands: ReadonlySet<CommandName> = new Set(['load-model', 'eject-model', 'eject-all-models']);

const ANSWER_TIMEOUT_MS = 10_000;

/** Where nobody listens (any more): what `connect` fails with then. */
const unreachableCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EADDRNOTAVAIL',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * The bridge to the Corral that runs in a data folder (the user's own unless `dataDir` says otherwise). Throws an
 * `AppError` for which `isNotRunning` holds if there is none; so does every call when nobody, or another Corral, answers at
 * the address on record. Calls that do not wait for a model end with `upstream-timeout` after 10 s.
 */
export async function connect(dataDir: string | undefined): Promise<Bridge> {
  const folder = resolve(dataDir ?? dataFolder(processFolders()));
  const notRunning = (cause?: unknown): AppError => notRunningError(folder, dataDir, cause);
  const instance = await readInstance(folder);
  if (instance === undefined) throw notRunning();
  const bridge = createHttpBridge(instance);
  return {
    ...bridge,
    async call(name, request, signal) {
      const deadline = waitingCommands.has(name) ? undefined : AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      const signals = [signal, deadline].filter((each) => each !== undefined);
      try {
        return await bridge.call(name, request, AbortSignal.any(signals));
      } catch (thrown) {
        signal?.throwIfAborted();
        if (deadline?.aborted === true) throw timeoutError(instance, thrown);
        if (isNobodyThere(thrown) || isSomebodyElse(thrown)) throw notRunning(thrown);
        throw thrown;
      }
    },
  };
}

/** True for the error that says there is no running Corral to talk to. */
export function isNotRunning(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.details?.['reason'] === 'not-running';
}

function notRunningError(folder: string, dataDir: string | undefined, cause: unknown): AppError {
  const command = dataDir === undefined ? 'corral serve' : `corral serve --data-dir ${dataDir}`;
  return new AppError(
    'upstream-unavailable',
    `Corral is not running (data folder ${folder}). Start it with \`${command}\`.`,
    {
      details: { reason: 'not-running', dataFolder: folder },
      cause,
    },
  );
}

function timeoutError({ address, pid }: Instance, cause: unknown): AppError {
  const message = `Corral (pid ${pid}) did not answer at ${address} within ${ANSWER_TIMEOUT_MS / 1000} s. If that lasts, end that process and start Corral again.`;
  return new AppError('upstream-timeout', message, { cause });
}

async function readInstance(folder: string): Promise<Instance | undefined> {
  try {
    return await readInstanceFile(folder);
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return undefined;
    if (code !== 'EACCES' && code !== 'EPERM') throw thrown;
    throw new AppError(
      'forbidden',
      `The Corral of data folder ${folder} belongs to another user; only that user may give it commands.`,
      { cause: thrown },
    );
  }
}

function isNobodyThere(thrown: unknown): boolean {
  // What `fetch` throws is a TypeError that holds the system's error.
  const fetchError = thrown instanceof AppError ? thrown.cause : undefined;
  const cause: unknown = fetchError instanceof Error ? fetchError.cause : undefined;
  return cause instanceof Error && unreachableCodes.has((cause as NodeJS.ErrnoException).code);
}

/** The instance's token is good as long as the instance lives: who refuses it was started by another user or later. */
function isSomebodyElse(thrown: unknown): boolean {
  return thrown instanceof AppError && (thrown.code === 'unauthorized' || thrown.code === 'unknown-route');
}
