import { serialiseError } from '#shared/contract/errors.ts';
import type { ModelOrigin, ModelView } from '#shared/contract/snapshot.ts';
import type { ModelNeed } from './memory/device-facts.ts';
import { needHistoryView, needView, roundedBytes } from './memory-view.ts';
import type { ModelConfig } from './config/resolved-config.ts';
import type { LearnedNeed } from './memory/look-up-need.ts';
import type { ModelCounts } from './scheduler/scheduler-contract.ts';
import { describeListenAddress } from './supervisor/endpoint.ts';
import type { ModelProcessView } from './supervisor/model-process-contract.ts';

/** A model as the contract shows it, put together from its three owners. Pure. */
export function modelView(
  config: ModelConfig,
  process: ModelProcessView,
  counts: ModelCounts,
  { origin, need, history }: { origin: ModelOrigin; need: ModelNeed | undefined; history: LearnedNeed | undefined },
): ModelView {
  return {
    id: config.id,
    aliases: [...config.aliases],
    kind: config.kind,
    isDemo: origin === 'demo',
    origin,
    state: process.state,
    loadProgress: process.loadProgress,
    detail: process.detail,
    isPinned: counts.isPinned,
    activeRequests: counts.activeRequests,
    waitingRequests: counts.waitingRequests,
    concurrency: counts.concurrency,
    contextSize: process.contextSize,
    pid: process.pid,
    address: process.endpoint === null ? null : describeListenAddress(process.endpoint.listen),
    commandLine: process.commandLine === null ? null : [...process.commandLine],
    stateSince: process.stateSinceWallMs,
    lastUsedAt: counts.lastUsedWallMs,
    lastLoadMs: process.lastLoadMs,
    problem: process.problem === null ? null : serialiseError(process.problem),
    lastExit:
      process.lastExit === null
        ? null
        : {
            exitCode: process.lastExit.exitCode,
            signal: process.lastExit.signal,
            at: process.lastExit.atWallMs,
            askedBy: process.lastExit.askedBy ?? null,
          },
    warnings: [...process.warnings],
    need: need === undefined ? null : needView(need),
    needHistory: history === undefined ? null : needHistoryView(history),
    reservedBytes: roundedBytes(counts.reserved),
  };
}
