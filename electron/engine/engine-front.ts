import type { RequestListener } from 'node:http';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { ModelConfig } from './config/resolved-config.ts';
import type { ModelTable } from './model-table.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { proxyKey } from './config/proxy-address.ts';
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
  loadInBackground(modelId: string, setName?: string): void;
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
    knownModels: () => [...table().models.values()].filter(({ isUnlisted }) => !isUnlisted).map(({ id }) => id),
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
    explainLoss: (modelId) => options.process(modelId).problem ?? undefined,
    record: intake.add,
  });
  const app = createProxyApp({
    logger,
    guardPolicy: () => settings().guardPolicy,
    resolveModel: (name) => table().resolve(name)?.modelId,
    listModels: () =>
      options.models().map(({ id, state, isDemo, contextSize, aliases }) => {
        const isUnlisted = table().models.get(id)?.isUnlisted === true;
        return { id, createdSeconds: Math.floor(startedAt / 1000), state, isDemo, isUnlisted, contextSize, aliases };
      }),
    isShuttingDown: options.isShuttingDown,
    async renderMetrics() {
      intake.flush();
      return { contentType: metrics.contentType, text: await metrics.render() };
    },
    mounts,
  });
  return createRequestListener({ guardPolicy: () => settings().guardPolicy, inference, app });
}

/** The members of a set that can be loaded beside one of them: no two servers can have one address. */
function companionsOf(
  modelId: string,
  members: readonly string[],
  models: ReadonlyMap<string, ModelConfig>,
): readonly string[] {
  const addressOf = (id: string): string | undefined => {
    const model = models.get(id);
    return model?.kind === 'command' && model.proxy !== undefined ? proxyKey(model.proxy) : undefined;
  };
  const taken = new Set([addressOf(modelId)]);
  return members.filter((member) => {
    const address = addressOf(member);
    if (member === modelId || (address !== undefined && taken.has(address))) return false;
    taken.add(address);
    return true;
  });
}
