import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { ModelTable } from './model-table.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { createImageFetcher } from './proxy/fetch-image.ts';
import { createInferenceHandler, type InferenceDependencies, type InferenceSettings } from './proxy/inference.ts';
import type { ServerListener } from './proxy/listeners.ts';
import { createProxyApp, type Mount } from './proxy/proxy-app.ts';
import { createRequestListener } from './proxy/request-listener.ts';
import { createUpgradeListener } from './proxy/upgrade.ts';
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
  isShuttingDown(): boolean;
}

/** All that a listener answers, wired to the parts that know the answers. */
export function createEngineFront(options: EngineFrontOptions): ServerListener {
  const { clock, logger, scheduler, intake, metrics, mounts, startedAt, settings, table } = options;
  const dependencies: InferenceDependencies = {
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
    explainLoss: (modelId) => options.process(modelId).problem ?? undefined,
    record: intake.add,
    imageFetcher: createImageFetcher(),
  };
  const inference = createInferenceHandler(dependencies);
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
  const listener = createRequestListener({ guardPolicy: () => settings().guardPolicy, inference, app });
  return Object.assign(listener, { upgrade: createUpgradeListener(dependencies) });
}
