import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { ModelProcessView } from '../supervisor/model-process-contract.ts';
import { expectedWaitMs, nextMeanMs, retryAfterSeconds, type WaitedModelFacts } from './expected-wait.ts';
import { explainWait } from './explain-wait.ts';
import type { ModelFacts, SchedulerFacts, WaitReason } from './view.ts';
import type { WaitingEntry, WaitingLine } from './waiting-line.ts';

/** How it stands with one request that waits, told to the one who waits: nothing of other models. */
export interface WaitStatus {
  readonly waitsFor: WaitReason;
  /** Among the requests that wait for the same model; 1 is next. */
  readonly place: number;
  readonly total: number;
  readonly modelState: ModelState;
  /** 0 to 1 while loading, where the log tells it. */
  readonly loadProgress: number | null;
}

export interface WaitForecast {
  /** A request of the model has given its slot back after this time. */
  observeService(modelId: string, serviceMs: number): void;
  forget(modelId: string): void;
  queue(): QueueEntryView[];
  /** Undefined if no request of that id waits. */
  statusOf(requestId: string): WaitStatus | undefined;
  /** What to tell a request that is about to be refused. */
  retryAfterSeconds(entry: WaitingEntry): number;
}

/** Tells those who wait, and those who watch, what about and how long. Remembers how long requests took; decides nothing. */
export function createWaitForecast({
  clock,
  line,
  gatherFacts,
  processView,
}: {
  readonly clock: Clock;
  readonly line: WaitingLine;
  gatherFacts(): SchedulerFacts;
  processView(modelId: string): ModelProcessView;
}): WaitForecast {
  const meansMs = new Map<string, number>();

  function waitedFacts(model: ModelFacts, nowMs: number): WaitedModelFacts {
    const { lastLoadMs, stateSinceWallMs } = processView(model.id);
    return {
      state: model.state,
      activeRequests: model.activeRequests,
      concurrency: model.concurrency,
      meanServiceMs: meansMs.get(model.id) ?? null,
      lastLoadMs,
      inStateMs: clock.wallMs() - stateSinceWallMs,
      startsInMs: model.nextStartAtMs - nowMs,
    };
  }

  function expectedWaitOf(entry: WaitingEntry, place: number, facts: SchedulerFacts): number | null {
    const model = facts.models.get(entry.modelId);
    return model === undefined
      ? null
      : expectedWaitMs(waitedFacts(model, facts.nowMs), line.waitReason(entry.id), place);
  }

  function explain(entry: WaitingEntry, facts: SchedulerFacts): string {
    const { modelId, lane } = entry;
    const model = facts.models.get(modelId);
    if (model === undefined) return `${modelId} is gone`;
    const { detail, loadProgress } = processView(modelId);
    return explainWait({
      modelId,
      lane,
      waitsFor: line.waitReason(entry.id),
      model,
      detail,
      loadProgress,
      startsInMs: model.nextStartAtMs - facts.nowMs,
      laneRunning: facts.laneActive.get(lane) ?? 0,
      laneLimit: facts.laneLimits.get(lane),
      others: [...facts.models.values()].filter(({ id }) => id !== modelId),
    });
  }

  return {
    observeService: (modelId, serviceMs) =>
      void meansMs.set(modelId, nextMeanMs(meansMs.get(modelId) ?? null, serviceMs)),
    forget: (modelId) => void meansMs.delete(modelId),
    queue() {
      if (line.size() === 0) return [];
      const facts = gatherFacts();
      return line.view((entry, place) => ({
        reason: explain(entry, facts),
        expectedWaitMs: expectedWaitOf(entry, place, facts),
      }));
    },
    statusOf(requestId) {
      const entry = line.find(requestId);
      if (entry === undefined) return undefined;
      const { state, loadProgress } = processView(entry.modelId);
      return { waitsFor: line.waitReason(requestId), ...line.placeOf(entry), modelState: state, loadProgress };
    },
    retryAfterSeconds: (entry) => retryAfterSeconds(expectedWaitOf(entry, line.placeOf(entry).place, gatherFacts())),
  };
}
