import { stat } from 'node:fs/promises';
import { AppError } from '#shared/contract/errors.ts';
import type { CatalogConfig } from '../config/resolved-config.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { hubCacheFolder } from './downloads/hub-cache.ts';
import type { FoundModel } from './found-model.ts';
import type { GgufMetadataReader } from './gguf-metadata.ts';
import type { ModelMetadata } from './gguf-model-metadata.ts';
import { scanFolder, scanHubCache, scanLmStudio, scanOllama, type ScanResult } from './scan-folders.ts';

export interface ScannedModel {
  readonly model: FoundModel;
  /** Undefined if the file could not be read: what is wrong with it is said when somebody asks for it. */
  readonly kind: ModelMetadata['kind'] | undefined;
}

export interface ModelScan {
  /** What the last scan found. */
  found(): readonly ScannedModel[];
  /** Looks again now. Never rejects: what cannot be read is passed over. */
  rescan(): Promise<void>;
  /** Looks now, and again whenever a folder changes, until `close`. */
  follow(): Promise<void>;
  close(): void;
}

export interface ModelScanOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metadata: Pick<GgufMetadataReader, 'read'>;
  settings(): CatalogConfig;
  /** What was found is another list than before. */
  onChange(): Promise<void>;
}

/**
 * The folders are looked at this often, rather than watched by the system's means: those get lost on network mounts and
 * fail when a user's watches are used up (see config/watch-config.ts). A look is one `stat` for each folder with models.
 */
const LOOK_INTERVAL_MS = 5000;
/** With more folders than this a look costs more than its news is worth, and comes less often. */
const FOLDERS_A_LOOK = 500;

/** Models on disk where the configuration says that they are looked for. */
export function createModelScan(options: ModelScanOptions): ModelScan {
  const { env, homeFolder, clock, logger, metadata } = options;
  let found: readonly ScannedModel[] = [];
  let folders: readonly string[] = [];
  let stamp = '';
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let timer: Timer | undefined;
  let isFollowing = false;
  const ended = new AbortController();

  async function scan(): Promise<void> {
    const settings = options.settings();
    const results = await Promise.all([
      ...settings.folders.map((folder) => scanFolder(folder, 'folder')),
      ...(settings.huggingFaceCache ? [scanHubCache(hubCacheFolder({ env, homeFolder }))] : []),
      ...(settings.lmStudio ? [scanLmStudio(homeFolder)] : []),
      ...(settings.ollama ? [scanOllama(env, homeFolder)] : []),
    ]);
    folders = [...new Set(results.flatMap((result: ScanResult) => result.folders))];
    // Before the slow part, so that what changes meanwhile is seen.
    stamp = await stampOf(folders);
    const models = withoutRepeats(results.flatMap((result) => result.models));
    const scanned = await Promise.all(models.map(describe));
    if (ended.signal.aborted) return;
    const usable = scanned.filter(({ kind }) => kind !== 'projector' && kind !== 'adapter');
    const isNews = JSON.stringify(usable) !== JSON.stringify(found);
    found = usable;
    if (isNews) await options.onChange();
  }

  async function describe(model: FoundModel): Promise<ScannedModel> {
    try {
      return { model, kind: (await metadata.read(model.file, ended.signal)).kind };
    } catch (thrown) {
      if (thrown instanceof AppError || ended.signal.aborted) return { model, kind: undefined };
      throw thrown;
    }
  }

  function rescan(): Promise<void> {
    if (running === undefined) {
      running = scan()
        .catch((thrown: unknown) => {
          logger.log('warn', `The models on disk could not be listed: ${(thrown as Error).message}`);
        })
        .finally(() => {
          running = undefined;
        });
      return running;
    }
    // What changed after the running one began is seen by the next alone; one is enough for all who ask meanwhile.
    next ??= running.then(() => {
      next = undefined;
      return rescan();
    });
    return next;
  }

  function plan(): void {
    if (!isFollowing) return;
    const intervalMs = LOOK_INTERVAL_MS * Math.max(1, folders.length / FOLDERS_A_LOOK);
    timer = clock.setTimer(intervalMs, () => {
      void stampOf(folders)
        .then(async (now) => {
          if (now !== stamp && isFollowing) await rescan();
        })
        .finally(plan);
    });
  }

  return {
    found: () => found,
    rescan,
    async follow() {
      isFollowing = true;
      await rescan();
      plan();
    },
    close() {
      isFollowing = false;
      timer?.cancel();
      ended.abort(new AppError('shutting-down', 'Corral is shutting down.'));
    },
  };
}

/** The first of those that are the same file. */
function withoutRepeats(models: readonly FoundModel[]): FoundModel[] {
  const byFile = new Map<string, FoundModel>();
  for (const model of models) if (!byFile.has(model.realPath)) byFile.set(model.realPath, model);
  return [...byFile.values()];
}

/** A folder's time of modification changes when something in it comes, goes or is renamed. */
async function stampOf(folders: readonly string[]): Promise<string> {
  const times: string[] = [];
  for (const folder of folders) {
    times.push(
      await stat(folder).then(
        ({ mtimeMs, ino }) => `${mtimeMs}:${ino}`,
        () => '-',
      ),
    );
  }
  return times.join(' ');
}
