import type { ModelOrigin } from '#shared/contract/snapshot.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import { createCatalog } from './engine-catalog.ts';
import type { Engine } from './engine-contract.ts';
import { createModelDeletes } from './engine-deletes.ts';
import { openEngineDownloads } from './engine-downloads.ts';
import { createFoundModels } from './engine-found-models.ts';
import type { EngineMemoryParts } from './engine-memory.ts';
import type { EventFeed } from './event-feed.ts';
import type { CapabilitiesReader } from './llama/capabilities-reader.ts';
import type { ModelTable } from './model-table.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { createModelFilesReader } from './read-model-files.ts';
import type { Engines } from './runtimes/engines.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';

export interface ModelShelfOptions {
  readonly dataFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly feed: EventFeed;
  config(): ResolvedConfig;
  table(): ModelTable;
  /** Parts that do not exist yet when the shelf is opened; asked for once it has been started. */
  memory(): Pick<EngineMemoryParts, 'metadata' | 'readDevices'>;
  engines(): Pick<Engines, 'status' | 'list'>;
  capabilities(): Pick<CapabilitiesReader, 'known'>;
  readonly ejectModel: Scheduler['eject'];
  /** There are other models than `readTable` said. */
  onChange(): Promise<void>;
}

/** All that has to do with models on disk: those that are listed, those that are found, those that are fetched. */
export interface ModelShelf {
  readTable(config: ResolvedConfig): Promise<ModelTable>;
  originOf(modelId: string): ModelOrigin;
  rescan(): Promise<number>;
  /** As the engine offers them. */
  readonly commands: Pick<Engine, 'readCatalog' | 'rescanCatalog' | 'downloads' | 'deleteModel'>;
  /** Begins to look for models, and goes on with what was being downloaded. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function openModelShelf(options: ModelShelfOptions): ModelShelf {
  const { config } = options;
  const found = createFoundModels({
    ...options,
    metadata: { read: (file, signal) => options.memory().metadata.read(file, signal) },
  });
  const downloads = openEngineDownloads({
    ...options,
    settings: () => config().catalog,
    readDevices: () => options.memory().readDevices(),
    onFinished: () => void found.rescan(),
  });

  const deleteModel = createModelDeletes({
    ...options,
    pulled: downloads.pulled,
    originOf: found.originOf,
    rescan: found.rescan,
  });
  const readCatalog: Engine['readCatalog'] = (signal) =>
    createCatalog({
      metadata: options.memory().metadata,
      engines: options.engines(),
      capabilities: options.capabilities(),
      pulled: downloads.pulled,
      models: () => options.table().models,
      originOf: found.originOf,
    }).read(signal);

  const files = createModelFilesReader(() => options.memory().metadata);
  let isStarted = false;

  return {
    async readTable(next) {
      const table = await found.readTable(next);
      if (isStarted) files.read(table.models.values());
      return table;
    },
    originOf: found.originOf,
    rescan: found.rescan,
    commands: { readCatalog, rescanCatalog: found.rescan, downloads, deleteModel },
    async start() {
      isStarted = true;
      files.read(options.table().models.values());
      void downloads.restore();
      const looking = found.follow();
      // Where the demo would be listed, what there is in its place is waited for a moment.
      if (config().models.size === 0) await looking;
    },
    async close() {
      files.close();
      found.close();
      await downloads.close();
    },
  };
}
