import { access } from 'node:fs/promises';
import { orAborted } from '#shared/lib/or-aborted.ts';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { systemClock, type Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { EngineBuild, EngineStatus } from './engine-build.ts';
import { createEngineMissingError, decideInstallHint } from './engine-missing.ts';
import type { EngineSource } from './engine-source.ts';
import { findEngine, type FindEngineOptions } from './find-engine.ts';
import { listBuilds, type ListedBuild } from './list-builds.ts';

export interface EnginesOptions {
  /** `engine` of the configuration. */
  readonly config: { readonly path: string; readonly autoInstall: boolean };
  /** The PATH of the environment; empty if it has none. */
  readonly searchPath: string;
  /** Where builds are installed, one folder each. */
  readonly installFolder: string;
  /** Best first; the first one that is available installs. */
  readonly sources: readonly EngineSource[];
  readonly platform: NodeJS.Platform;
  readonly logger: Logger;
  readonly clock?: Clock;
  onChange(status: EngineStatus): void;
}

export interface Engines {
  /**
   * The llama-server to start models with; looked for, and installed if need be, at the first call. Callers at the same
   * time share one search. Rejects with the signal's reason if that aborts, which ends this wait alone; with an AppError
   * `engine-missing` if there is none, `shutting-down` after `stop`.
   */
  ensureEngine(signal: AbortSignal): Promise<EngineBuild>;
  /** The one that is here already; undefined if there is none, and nothing is fetched. */
  findInstalled(): Promise<EngineBuild | undefined>;
  /** Every one that is here, chosen or not. */
  list(): Promise<ListedBuild[]>;
  status(): EngineStatus;
  /** Looks by other settings from the next call on. */
  configure(config: EnginesOptions['config']): void;
  /** Aborts an installation and waits until it has cleaned up. Idempotent. */
  stop(): Promise<void>;
}

/** A burst of requests must not become a burst of downloads that fail for the same reason. */
const failureMemoryMs = 30_000;

/** Owns the question which llama-server Corral runs models with: the single writer of `EngineStatus`. */
export function createEngines(options: EnginesOptions): Engines {
  const clock = options.clock ?? systemClock;
  const stopping = new AbortController();
  let { config } = options;
  let current: EngineStatus = { status: 'searching' };
  let flight: Promise<EngineBuild> | undefined;
  let failure: { readonly error: AppError; readonly untilMs: number } | undefined;

  function setStatus(next: EngineStatus): void {
    current = next;
    options.onChange(next);
  }

  async function findInstalled(): Promise<EngineBuild | undefined> {
    if (current.status === 'ready' && (await isPresent(current.build))) return current.build;
    return await findEngine(whereToLook());
  }

  function whereToLook(): FindEngineOptions {
    const { searchPath, installFolder, platform } = options;
    return { configuredPath: config.path, searchPath, installFolder, platform };
  }

  async function search(): Promise<EngineBuild> {
    const found = await findInstalled();
    if (found !== undefined) return found;
    if (failure !== undefined && failure.untilMs > clock.nowMs()) throw repeatFailure(failure.error, failure.untilMs);
    failure = undefined;
    const source = await chooseSource();
    try {
      return await install(source);
    } catch (error) {
      if (!stopping.signal.aborted) failure = { error: toAppError(error), untilMs: clock.nowMs() + failureMemoryMs };
      throw error;
    }
  }

  /** Throws `engine-missing` if nothing may or can be installed. */
  async function chooseSource(): Promise<EngineSource> {
    const hint = decideInstallHint(options.platform);
    if (!config.autoInstall) {
      const reason = 'No llama-server was found, and `engine.autoInstall` is off.';
      throw createEngineMissingError({ reason, hint });
    }
    for (const source of options.sources) {
      if (await source.isAvailable(stopping.signal)) return source;
    }
    const reason = 'No llama-server was found, and Corral has nowhere to fetch one from for this system.';
    throw createEngineMissingError({ reason, hint });
  }

  async function install(source: EngineSource): Promise<EngineBuild> {
    const startedMs = clock.nowMs();
    setStatus({ status: 'installing', step: `Fetching llama-server from ${source.name}` });
    options.logger.log('info', `No llama-server was found; fetching one from ${source.name}`);
    const build = await source.install({
      folder: options.installFolder,
      signal: stopping.signal,
      onProgress(step, receivedBytes, totalBytes) {
        if (stopping.signal.aborted) return;
        setStatus({
          status: 'installing',
          step,
          ...(receivedBytes === undefined ? {} : { receivedBytes }),
          ...(totalBytes === undefined ? {} : { totalBytes }),
        });
      },
    });
    options.logger.log('info', `Installed llama-server ${build.id}`, {
      executable: build.executable,
      durationMs: Math.round(clock.nowMs() - startedMs),
    });
    return build;
  }

  function repeatFailure(error: AppError, untilMs: number): AppError {
    return new AppError(error.code, error.message, {
      ...(error.details === undefined ? {} : { details: error.details }),
      cause: error,
      retryAfterSeconds: Math.max(1, Math.ceil((untilMs - clock.nowMs()) / 1000)),
    });
  }

  function announce(build: EngineBuild): EngineBuild {
    const isNews = current.status !== 'ready' || current.build.executable !== build.executable;
    if (isNews) setStatus({ status: 'ready', build });
    return build;
  }

  async function run(): Promise<EngineBuild> {
    try {
      return announce(await search());
    } catch (error) {
      if (stopping.signal.aborted) throw shuttingDown();
      const appError = toAppError(error);
      const next = describeMissing(appError, options.platform);
      if (current.status !== 'missing' || current.reason !== next.reason) {
        setStatus(next);
        options.logger.log('warn', appError.message);
      }
      throw appError;
    } finally {
      flight = undefined;
    }
  }

  return {
    configure(next) {
      config = next;
      failure = undefined;
      setStatus({ status: 'searching' });
    },
    async ensureEngine(signal) {
      if (stopping.signal.aborted) throw shuttingDown();
      signal.throwIfAborted();
      flight ??= run();
      return await orAborted(flight, signal);
    },
    async findInstalled() {
      const build = await findInstalled();
      return build === undefined || stopping.signal.aborted ? undefined : announce(build);
    },
    list: () => listBuilds(whereToLook()),
    status: () => current,
    async stop() {
      stopping.abort(shuttingDown());
      // How the search ended is its waiters' business; here it only matters that it has.
      await Promise.allSettled(flight === undefined ? [] : [flight]);
    },
  };
}

function describeMissing(
  error: AppError,
  platform: NodeJS.Platform,
): Extract<EngineStatus, { readonly status: 'missing' }> {
  const { reason, hint } = error.details ?? {};
  return {
    status: 'missing',
    reason: typeof reason === 'string' ? reason : error.message,
    hint: typeof hint === 'string' ? hint : decideInstallHint(platform),
  };
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'Corral is shutting down, so no llama-server is looked for any more.');
}

async function isPresent(build: EngineBuild): Promise<boolean> {
  try {
    await access(build.executable);
    return true;
  } catch {
    // Somebody has uninstalled it, or it cannot be reached: look for another.
    return false;
  }
}
