import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { ModelOrigin } from '#shared/contract/snapshot.ts';
import { orAborted } from '#shared/lib/or-aborted.ts';
import { DEMO_MODEL_ID } from './catalog/demo-model-config.ts';
import { nameModels, type NamedModel } from './catalog/found-model.ts';
import type { GgufMetadataReader } from './catalog/gguf-metadata.ts';
import { createModelScan, type ScannedModel } from './catalog/model-scan.ts';
import { withDemoModel } from './catalog/with-demo-model.ts';
import { fingerprint } from './config/config-folders.ts';
import type { FileModelConfig, ModelConfig, ResolvedConfig } from './config/resolved-config.ts';
import { createModelTable, type ModelTable } from './model-table.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';

export interface FoundModelsOptions {
  readonly dataFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metadata: Pick<GgufMetadataReader, 'read'>;
  config(): ResolvedConfig;
  /** There are other models than `readTable` said. */
  onChange(): Promise<void>;
}

export interface FoundModels {
  /** All models: those of the configuration, those that were found; the demo if there are none. */
  readTable(config: ResolvedConfig): Promise<ModelTable>;
  originOf(modelId: string): ModelOrigin;
  /** Begins to look. Resolves when it has, or soon after, so that a start does not wait for a slow disk. */
  follow(): Promise<void>;
  /** Looks again, as after a change of `catalog`; what it found is listed when it resolves. */
  rescan(): Promise<number>;
  close(): void;
}

/** A disk that answers has listed thousands of files by then. */
const MAX_START_WAIT_MS = 500;

export function createFoundModels(options: FoundModelsOptions): FoundModels {
  const { dataFolder, clock, logger } = options;
  /** Ids by file, so that they stay while Corral runs. */
  const earlier = new Map<string, string>();
  let origins: ReadonlyMap<string, ModelOrigin> = new Map();
  const scan = createModelScan({
    ...options,
    homeFolder: homedir(),
    settings: () => options.config().catalog,
    onChange: options.onChange,
  });

  async function nameFound(config: ResolvedConfig): Promise<readonly [NamedModel, ScannedModel][]> {
    // A foreign file lists all there is, as the program that it was written for does.
    const scanned = config.foreign === undefined ? scan.found() : [];
    const configured = await realPathsOf(config.models.values());
    const open = scanned.filter(({ model }) => !configured.has(model.realPath));
    const taken = new Set([
      DEMO_MODEL_ID,
      'corral',
      ...config.models.keys(),
      ...[...config.models.values()].flatMap(({ aliases }) => aliases),
      ...config.sets.keys(),
    ]);
    const named = nameModels(
      open.map(({ model }) => model),
      taken,
      earlier,
      (text) => fingerprint(text, 6),
    );
    for (const { id, model } of named) earlier.set(model.realPath, id);
    return named.flatMap((each, index) => {
      const from = open[index];
      return from === undefined ? [] : [[each, from]];
    });
  }

  return {
    async readTable(config) {
      const found = await nameFound(config);
      const models = new Map<string, ModelConfig>(config.models);
      for (const [{ id, aliases }, { model, kind }] of found) {
        models.set(id, {
          ...config.foundModel,
          id,
          aliases,
          file: model.file,
          mmproj: model.mmproj,
          embeddings: kind === 'embedding',
          rerank: kind === 'rerank',
        } satisfies FileModelConfig);
      }
      origins = new Map(found.map(([{ id }, { model }]) => [id, model.origin]));
      return createModelTable(await withDemoModel({ models, pools: config.pools }, dataFolder), config.sets);
    },
    originOf(modelId) {
      const { models } = options.config();
      if (models.has(modelId)) return 'config';
      return origins.get(modelId) ?? (modelId === DEMO_MODEL_ID ? 'demo' : 'config');
    },
    async follow() {
      const enough = new AbortController();
      const timer = clock.setTimer(MAX_START_WAIT_MS, () => enough.abort());
      const following = scan.follow();
      following.catch((thrown: unknown) => logger.log('warn', `Models on disk: ${(thrown as Error).message}`));
      try {
        await orAborted(following, enough.signal);
      } catch {
        // It goes on without us.
      } finally {
        timer.cancel();
      }
    },
    async rescan() {
      await scan.rescan();
      return scan.found().length;
    },
    close: scan.close,
  };
}

async function realPathsOf(models: Iterable<ModelConfig>): Promise<Set<string>> {
  const paths = [...models].flatMap((model) => (model.kind === 'file' ? [model.file] : []));
  return new Set(await Promise.all(paths.map((file) => realpath(file).catch(() => file))));
}
