import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import type { AppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { GgufMetadataReader } from './catalog/gguf-metadata.ts';
import { describeFileFacts } from './catalog/file-facts.ts';
import type { DialectListener } from './dialects/dialect.ts';
import type { DialectName } from './dialects/dialect-names.ts';
import { companionsOf } from './companions-of-set.ts';
import type { Engine } from './engine-contract.ts';
import type { ModelTable } from './model-table.ts';
import { createOllamaApi, type OllamaApi } from './ollama/ollama-api.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import type { Pools } from './pools/pools-contract.ts';
import { createConversations } from './proxy/conversations.ts';
import { createDialectRequestListener } from './proxy/dialect-request-listener.ts';
import { createImageFetcher } from './proxy/fetch-image.ts';
import {
  createInference,
  type InferenceDependencies,
  type InferenceHandler,
  type InferencePlace,
  type InferenceSettings,
} from './proxy/inference.ts';
import type { GuardPolicy } from './proxy/guards.ts';
import { listedPoolModel } from './proxy/listed-pool-models.ts';
import { createPooledRequests } from './proxy/pooled-requests.ts';
import type { ServerListener } from './proxy/listeners.ts';
import { createProxyApp, type Mount } from './proxy/proxy-app.ts';
import { createRequestListener } from './proxy/request-listener.ts';
import { createUpgradeListener } from './proxy/upgrade.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';
import { canKeepKvCache } from './supervisor/kv-cache-key.ts';
import type { ModelProcessView } from './supervisor/model-process-contract.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { RecordIntake } from './telemetry/record-intake.ts';

export interface EngineFrontOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly scheduler: Scheduler;
  readonly intake: RecordIntake;
  readonly metrics: Metrics;
  readonly mounts: readonly Mount[];
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  /** What a live configuration may change is asked for anew each time. */
  settings(): InferenceSettings;
  table(): ModelTable;
  process(modelId: string): ModelProcessView;
  models(): ModelView[];
  readonly pools: Pick<Pools, 'ownId' | 'resolve' | 'acquire' | 'isSticky' | 'models' | 'waitStatus'>;
  loadInBackground(modelId: string, setName?: string): void;
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  readonly metadata: Pick<GgufMetadataReader, 'read' | 'readKeys' | 'known'>;
  readonly shelf: Pick<Engine, 'downloads' | 'deleteModel'>;
  isShuttingDown(): boolean;
}

/** An address that speaks another program's language. */
export interface DialectFrontOptions {
  settings(): InferenceSettings;
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  create(inference: InferenceHandler): DialectListener;
}

export interface EngineFront {
  /** With `/control` and `/ui/`, for the native address. */
  native(): ServerListener;
  /** The native API without those, for a further address with guards of its own. */
  furtherNative(settings: () => InferenceSettings, dialect: DialectName): ServerListener;
  ofDialect(options: DialectFrontOptions): { readonly listener: ServerListener; readonly dialect: DialectListener };
  renderMetrics(): Promise<{ contentType: string; text: string }>;
}

/** All that listeners answer, wired to the parts that know the answers. */
export function createEngineFront(options: EngineFrontOptions): EngineFront {
  const { clock, logger, scheduler, intake, metrics, startedAt, table, pools } = options;
  let refusalCount = 0;
  const inferenceDependencies: InferenceDependencies = {
    clock,
    logger,
    resolveModel: (name) => table().resolve(name),
    resolvePrefix: (upstreamPath) => table().resolvePrefix(upstreamPath),
    knownModels: () => [
      ...[...table().models.values()].filter(({ isUnlisted }) => !isUnlisted).map(({ id }) => id),
      ...pools.models().map(({ id }) => id),
    ],
    filtersOf: (modelId) => table().models.get(modelId)?.filters,
    keepsKvCache: (modelId) => canKeepKvCache(table().models.get(modelId)),
    peek(modelId) {
      const { state, endpoint } = options.process(modelId);
      if (state !== 'ready' || endpoint === null) return undefined;
      const free = { requestId: '', queueWaitMs: 0, loadWaitMs: 0, onAborted: undefined };
      return { ...free, modelId, endpoint, release: () => undefined };
    },
    isShuttingDown: options.isShuttingDown,
    acquireNow: scheduler.acquireNow,
    acquire: scheduler.acquire,
    waitStatus: scheduler.waitStatus,
    loadSet(setName, modelId) {
      const set = table().sets.get(setName);
      if (set?.load !== 'together') return;
      for (const member of companionsOf(modelId, set.models, table().models)) {
        const isThere = isResident(options.process(member).state);
        if (isThere && (!set.isByName || scheduler.counts(member).setName === setName)) continue;
        options.loadInBackground(member, setName);
      }
    },
    keepAlive: scheduler.keepAlive,
    processFacts: options.process,
    explainLoss: (modelId) => options.process(modelId).problem ?? undefined,
    record: intake.add,
    pooled: createPooledRequests({ pools, clock }),
    nextRefusalNumber: () => (refusalCount += 1),
    imageFetcher: createImageFetcher(),
    conversations: createConversations(clock),
  };

  const inferenceAt = createInference(inferenceDependencies);

  async function renderMetrics(): Promise<{ contentType: string; text: string }> {
    intake.flush();
    return { contentType: metrics.contentType, text: await metrics.render() };
  }

  function createNative(
    settings: () => InferenceSettings,
    mounts: readonly Mount[],
    isOllama: boolean,
  ): ServerListener {
    const guardPolicy = (): GuardPolicy => settings().guardPolicy;
    const inference = inferenceAt({ settings });
    const { answer: answerForeign } = createOllama(guardPolicy, isOllama);
    const app = createApp(guardPolicy, mounts);
    const listener = createRequestListener({ guardPolicy, inference, answerForeign, app });
    return Object.assign(listener, { upgrade: createUpgradeListener({ ...inferenceDependencies, settings }) });
  }

  const createOllama = (guardPolicy: () => GuardPolicy, hasRoot: boolean): OllamaApi =>
    createOllamaApi({
      clock,
      logger,
      guardPolicy,
      checkAdmin: options.checkAdmin,
      models: options.models,
      resolveModel: (name) => table().resolve(name)?.modelId,
      config: (modelId) => table().models.get(modelId),
      ttlMs: (modelId) => scheduler.counts(modelId).ttlMs,
      metadata: options.metadata,
      hasRoot,
      pulls: options.shelf.downloads,
      deleteModel: options.shelf.deleteModel,
    });

  const createApp = (guardPolicy: () => GuardPolicy, mounts: readonly Mount[]): RequestListener =>
    createProxyApp({
      logger,
      guardPolicy,
      instanceId: pools.ownId,
      resolveModel: (name) => table().resolve(name)?.modelId ?? pools.resolve(name)?.model,
      listModels: () => [
        ...options.models().map(({ id, state, isDemo, contextSize, aliases }) => {
          const isUnlisted = table().models.get(id)?.isUnlisted === true;
          const facts = describeFileFacts(table().models.get(id), options.metadata.known);
          const createdSeconds = Math.floor(startedAt / 1000);
          return { id, createdSeconds, state, isDemo, isUnlisted, contextSize, aliases, ...facts };
        }),
        ...pools.models().flatMap((model) => (table().resolve(model.id) === undefined ? [listedPoolModel(model)] : [])),
      ],
      isShuttingDown: options.isShuttingDown,
      renderMetrics,
      mounts,
    });

  let native: ServerListener | undefined;
  return {
    // Not before it is needed: other layers mount their handlers meanwhile.
    native: () => (native ??= createNative(options.settings, options.mounts, false)),
    furtherNative: (settings, dialect) => createNative(settings, [], dialect === 'ollama'),
    ofDialect({ settings, checkAdmin, create }) {
      const place: InferencePlace = {
        settings,
        // The dialect is asked while requests come, which is after it has been made.
        get family() {
          return dialect.family;
        },
        checkTarget: (modelId, route, request) => dialect.checkTarget?.(modelId, route, request),
        sendsComments: (modelId) => dialect.sendsComments?.(modelId),
        loadingNote: (modelId, pathname) => dialect.loadingNote?.(modelId, pathname),
      };
      const inference = inferenceAt(place);
      const dialect = create(inference);
      const listener = createDialectRequestListener({
        family: dialect.family,
        guardPolicy: () => settings().guardPolicy,
        inference,
        answer: (request, response, call) => dialect.answer(request, response, call),
        isAdmin: (headers) => checkAdmin(headers) === undefined || dialect.isOwnToken?.(headers) === true,
      });
      const upgrade = createUpgradeListener({ ...inferenceDependencies, ...place });
      return { listener: Object.assign(listener, { upgrade }), dialect };
    },
    renderMetrics,
  };
}
