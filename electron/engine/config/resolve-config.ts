import { posix, win32 } from 'node:path';
import { dialectFacts } from '../dialects/dialect-facts.ts';
import { isSeedName } from '../dialects/dialect-names.ts';
import type { CommandModelConfig, FileModelConfig, ModelConfig, ResolvedConfig } from './resolved-config.ts';
import { resolvePool } from './resolve-pool.ts';
import { withoutBrackets } from './schema-fields.ts';
import type { ParsedConfig } from './schema.ts';
import { modelSchema, type ParsedDefaults, type ParsedModel } from './schema-models.ts';

/** Where relative paths of a configuration start, and how paths are written there. */
export interface PathContext {
  readonly folder: string;
  readonly homeFolder: string;
  readonly isWindows: boolean;
}

/** A model of which nothing is written. */
const modelWithDefaults = modelSchema.parse({});

/**
 * Fills the defaults into a configuration that the schema and the cross-checks have passed. Throws nothing: a command
 * without a word or a model without a kind is a defect of the checks before.
 */
export function resolveConfig(
  parsed: ParsedConfig,
  options: { readonly filePath: string | undefined; readonly paths: PathContext },
): ResolvedConfig {
  const { server, engine, memory, scheduler, catalog, log, telemetry, updates } = parsed;
  const { filePath, paths } = options;
  return {
    filePath,
    foreign: undefined,
    server: {
      host: withoutBrackets(server.host),
      port: server.port,
      apiKeys: server.apiKeys.map(({ name, key, priority, concurrency, models, waitingComments }) => ({
        name,
        key,
        priority,
        concurrency,
        models,
        hasWaitingComments: waitingComments,
      })),
      adminToken: server.adminToken,
      allowedOrigins: server.allowedOrigins,
      allowedHosts: server.allowedHosts.map(withoutBrackets),
      allowRemoteConfig: server.allowRemoteConfig,
      maxBodyBytes: server.maxBodyBytes,
      remoteImages: server.remoteImages,
      timeouts: {
        requestMs: server.timeouts.request,
        connectMs: server.timeouts.connect,
        responseMs: server.timeouts.response,
        idleMs: server.timeouts.idle,
        shutdownMs: server.timeouts.shutdown,
      },
    },
    engine: {
      path: engine.path === 'auto' ? 'auto' : absolutePath(engine.path, paths),
      autoInstall: engine.autoInstall,
    },
    memory: {
      policy: memory.policy,
      maxLoaded: memory.maxLoaded ?? Number.POSITIVE_INFINITY,
      reserveBytes: memory.reserve,
      budgetsBytes: memory.budgets,
      gameMode: { requests: memory.gameMode.requests, isAutomatic: memory.gameMode.automatic },
      kvCache: {
        folder: memory.kvCache.folder === undefined ? undefined : absolutePath(memory.kvCache.folder, paths),
        maxBytes: memory.kvCache.maxSize,
      },
    },
    scheduler: {
      fairnessBoundMs: scheduler.fairnessBound,
      maxQueued: scheduler.maxQueued,
      waitingComments: {
        isEnabled: scheduler.waitingComments.enabled,
        afterMs: scheduler.waitingComments.after,
        intervalMs: scheduler.waitingComments.interval,
      },
    },
    listeners: parsed.listeners.map(({ dialect, host, port, options: written }) => ({
      dialect,
      host: withoutBrackets(host),
      port,
      options: isSeedName(dialect) ? (dialectFacts[dialect]?.optionsSchema.parse(written) ?? {}) : {},
    })),
    log: { level: log.level },
    telemetry: { maxRecords: telemetry.maxRecords, maxFileBytes: telemetry.maxFileSize },
    updates: { channel: updates.channel },
    catalog: {
      folders: catalog.folders.map((folder) => absolutePath(folder, paths)),
      huggingFaceCache: catalog.huggingFaceCache,
      ollama: catalog.ollama,
      lmStudio: catalog.lmStudio,
      huggingFace: { origin: catalog.huggingFace.origin, parallelFiles: catalog.huggingFace.parallelFiles },
    },
    foundModel: resolveFileModel('', modelWithDefaults, parsed.defaults, paths),
    sets: new Map(
      Object.entries(parsed.sets).map(([name, { models, load, exclusive, evictsOthers, ...set }]) => [
        name,
        {
          models,
          load,
          isExclusive: exclusive,
          evictsOthers,
          isOneAtATime: set.oneAtATime,
          isPersistent: set.persistent,
          isByName: set.byName,
        },
      ]),
    ),
    pools: new Map(Object.entries(parsed.pools).map(([name, pool]) => [name, resolvePool(pool, parsed.defaults)])),
    models: new Map(
      Object.entries(parsed.models).map(([id, model]) => [id, resolveModel(id, model, parsed.defaults, paths)]),
    ),
  };
}

function resolveModel(id: string, model: ParsedModel, defaults: ParsedDefaults, paths: PathContext): ModelConfig {
  if (model.command === undefined) return resolveFileModel(id, model, defaults, paths);
  return {
    ...commonOf(id, model, defaults),
    kind: 'command',
    command: commandWords(model.command, paths),
    stopCommand: model.stopCommand === undefined ? undefined : commandWords(model.stopCommand, paths),
    // A pattern alone says what ready means.
    health: model.health ?? (model.readyPattern === undefined ? '/health' : 'none'),
    proxy: model.proxy,
    readyPattern: model.readyPattern === undefined ? undefined : new RegExp(model.readyPattern),
    firstPort: model.firstPort,
    cwd: model.cwd === undefined ? paths.folder : absolutePath(model.cwd, paths),
  } satisfies CommandModelConfig;
}

function resolveFileModel(
  id: string,
  model: ParsedModel,
  defaults: ParsedDefaults,
  paths: PathContext,
): FileModelConfig {
  return {
    ...commonOf(id, model, defaults),
    kind: 'file',
    file: absolutePath(model.file ?? '', paths),
    mmproj: model.mmproj === undefined ? undefined : absolutePath(model.mmproj, paths),
    contextSize: model.contextSize ?? defaults.contextSize,
    gpuLayers: model.gpuLayers ?? defaults.gpuLayers,
    kvCacheType: model.kvCacheType ?? defaults.kvCacheType,
    parallel: model.parallel ?? defaults.parallel,
    embeddings: model.embeddings,
    pooling: model.pooling,
    rerank: model.rerank,
    devices: model.devices,
    rpc: model.rpc,
    args: [...defaults.args, ...model.args],
    keepKvCache: model.keepKvCache,
  };
}

function commonOf(
  id: string,
  model: ParsedModel,
  defaults: ParsedDefaults,
): Omit<
  CommandModelConfig,
  'kind' | 'command' | 'stopCommand' | 'health' | 'proxy' | 'readyPattern' | 'firstPort' | 'cwd'
> {
  return {
    id,
    aliases: model.aliases,
    env: { ...defaults.env, ...model.env },
    concurrency: model.concurrency ?? defaults.concurrency,
    queue: {
      max: model.queue.max ?? defaults.queue.max,
      maxWaitMs: model.queue.maxWait ?? defaults.queue.maxWait,
    },
    ttlMs: model.ttl ?? defaults.ttl,
    startTimeoutMs: model.startTimeout ?? defaults.startTimeout,
    answerTimeoutMs: model.answerTimeout ?? defaults.answerTimeout,
    stopGraceMs: model.stopGrace ?? defaults.stopGrace,
    pinned: model.pinned,
    startup: model.startup,
    priority: model.priority,
    filters: model.filters,
    isUnlisted: model.unlisted,
  };
}

/** A program written as a path is found from the file's folder, a bare name on PATH; the other words stay as they are. */
function commandWords(words: readonly string[], paths: PathContext): readonly [string, ...string[]] {
  const [program = '', ...rest] = words;
  // `${…}` at the start is filled in later, and may be absolute.
  return [isProgramPath(program, paths) && !program.startsWith('${') ? absolutePath(program, paths) : program, ...rest];
}

/** Whether a program is written as a path, and not as a name to be found on PATH. */
export function isProgramPath(program: string, { isWindows }: PathContext): boolean {
  return program.includes('/') || (isWindows && program.includes('\\'));
}

/** `~` is the home folder; what is relative starts at the folder of the configuration. */
export function absolutePath(written: string, paths: PathContext): string {
  const pathOf = paths.isWindows ? win32 : posix;
  const isHome = written === '~' || written.startsWith('~/') || (paths.isWindows && written.startsWith('~\\'));
  return isHome ? pathOf.join(paths.homeFolder, written.slice(1)) : pathOf.resolve(paths.folder, written);
}
