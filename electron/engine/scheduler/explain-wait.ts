import { isResident } from '#shared/model/model-state.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { ModelFacts, WaitReason } from './view.ts';

/** Why a request waits, in words for people who may see all models. Pure. */

export interface WaitExplanationFacts {
  readonly modelId: string;
  readonly lane: string;
  readonly waitsFor: WaitReason;
  readonly model: Pick<ModelFacts, 'state' | 'activeRequests' | 'concurrency'>;
  /** What a start that has not spawned anything yet waits for. */
  readonly detail: string | null;
  /** 0 to 1, where the log tells it. */
  readonly loadProgress: number | null;
  /** Time until it may be started again after a failure. */
  readonly startsInMs: number;
  readonly laneRunning: number;
  /** Undefined where the lane has none. */
  readonly laneLimit: number | undefined;
  /** The other models, which may be in its way. */
  readonly others: Iterable<Pick<ModelFacts, 'id' | 'state' | 'activeRequests' | 'reserved'>>;
}

/** One line without a full stop, such as `slot of qwen3: 2 of 2 busy`. */
export function explainWait(facts: WaitExplanationFacts): string {
  const { modelId, model, waitsFor } = facts;
  switch (waitsFor) {
    case 'slot':
      return `slot of ${modelId}: ${model.activeRequests} of ${model.concurrency} busy`;
    case 'load':
      return explainLoad(facts);
    case 'room':
      return `room: ${explainRoom(facts)}`;
    case 'restart-delay':
      return `${modelId} failed; its next start is in ${formatDuration(facts.startsInMs)}`;
    case 'lane':
      return facts.laneLimit === undefined
        ? `lane ${facts.lane}`
        : `lane ${facts.lane}: ${facts.laneRunning} of ${facts.laneLimit} running`;
    case 'eject':
      return `${modelId} is being unloaded and comes back`;
    case 'game-mode':
      return 'game mode is on';
  }
}

function explainLoad({ modelId, model, detail, loadProgress }: WaitExplanationFacts): string {
  if (model.state !== 'loading') return `${modelId} is starting${detail === null ? '' : `: ${detail}`}`;
  return `${modelId} is loading${loadProgress === null ? '' : ` (${percent(loadProgress)})`}`;
}

function explainRoom({ modelId, model, others }: WaitExplanationFacts): string {
  // Gets nothing new, so that it becomes idle and can be unloaded.
  if (model.state === 'ready') return `another model has waited longer for that of ${modelId}`;
  const [leaving, busy, returning]: [string[], string[], string[]] = [[], [], []];
  for (const { id, state, activeRequests, reserved } of others) {
    if (!isResident(state) && reserved.size > 0) returning.push(id);
    else if (state === 'stopping' || (state === 'draining' && activeRequests === 0)) leaving.push(id);
    else if (activeRequests > 0) busy.push(id);
  }
  if (leaving.length > 0) return `${leaving.join(', ')} is being unloaded`;
  if (returning.length > 0) return `the memory of ${returning.join(', ')} is on its way back`;
  return busy.length > 0 ? `${busy.join(', ')} busy` : 'others are first';
}

/** `40%`; never 100% before it is done. */
export function percent(progress: number): string {
  return `${Math.min(99, Math.max(0, Math.floor(progress * 100)))}%`;
}
