import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import type { AppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { GgufMetadataReader } from './catalog/gguf-metadata.ts';
import type { ModelTable } from './model-table.ts';
import { createOllamaApi } from './ollama/ollama-api.ts';
import type { PullService } from './ollama/pull.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { createInferenceHandler, type InferenceSettings } from './proxy/inference.ts';
import { createProxyApp, type Mount } from './proxy/proxy-app.ts';
import { createRequestListener } from './proxy/request-listener.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';
import { canKeepKvCache } from './supervisor/kv-cache-key.ts';
import type { ModelProcessView } from './supervisor/model-process.ts';
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
  loadInBackground(modelId: string): void;
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  readonly metadata: Pick<GgufMetadataReader, 'read' | 'readKeys'>;
  /** Undefined where models cannot be fetched. */
  readonly pulls?: PullService | undefined;
  isShuttingDown(): boolean;
}

/** All that a listener answers, wired to the parts that know the answers. */
export function createEngineFront(options: EngineFrontOptions): RequestListener {
  const { clock, logger, scheduler, intake, metrics, mounts, startedAt, settings, table } = options;
  const inference = createInferenceHandler({
    clock,
    logger,
    settings,
    resolveModel: (name) => table().resolve(name),
    resolvePrefix: (upstreamPath) => table().resolvePrefix(upstreamPath),
    knownModels: () => [...table().models.keys()],
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
    loadSet(setName) {
      const set = table().sets.get(setName);
      if (set?.load !== 'together') return;
      for (const member of set.models) if (!isResident(options.process(member).state)) options.loadInBackground(member);
    },
    keepAlive: scheduler.keepAlive,
    processFacts: options.process,
    explainLoss: (modelId) => options.process(modelId).problem ?? undefined,
    record: intake.add,
  });
  const ollama = createOllamaApi({
    clock,
    logger,
    guardPolicy: () => settings().guardPolicy,
    checkAdmin: options.checkAdmin,
    models: options.models,
    resolveModel: (name) => table().resolve(name)?.modelId,
    config: (modelId) => table().models.get(modelId),
    ttlMs: (modelId) => scheduler.counts(modelId).ttlMs,
    metadata: options.metadata,
    pulls: options.pulls,
  });
  const app = createProxyApp({
    logger,
    guardPolicy: () => settings().guardPolicy,
    resolveModel: (name) => table().resolve(name)?.modelId,
    listModels: () =>
      options.models().map(({ id, state, isDemo, contextSize, aliases }) => {
        return { id, createdSeconds: Math.floor(startedAt / 1000), state, isDemo, contextSize, aliases };
      }),
    isShuttingDown: options.isShuttingDown,
    async renderMetrics() {
      intake.flush();
      return { contentType: metrics.contentType, text: await metrics.render() };
    },
    mounts,
  });
  return createRequestListener({
    guardPolicy: () => settings().guardPolicy,
    inference,
    answerForeign: ollama.answer,
    app,
  });
}
