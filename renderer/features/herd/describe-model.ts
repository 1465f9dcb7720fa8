import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { describeConsequence, describePlanSize } from '#shared/model/describe-plan.ts';
import { isResident } from '#shared/model/model-state.ts';
import { formatDuration, formatSize } from '#shared/model/units.ts';
import { heldBytes } from '../../store/selectors.ts';

/** What the columns of a model's row say. Pure. */

/** Below this an idle time would be counted in seconds: a number that never rests, and says nothing. */
const JUST_NOW_MS = 100_000;

export function describeState({ state, loadProgress, activeRequests }: ModelView): string {
  switch (state) {
    case 'loading':
      return loadProgress === null ? 'loading' : `loading ${Math.round(loadProgress * 100)} %`;
    case 'ready':
      return activeRequests > 0 ? 'busy' : 'ready';
    case 'draining':
      return 'finishing, then ejected';
    case 'off':
    case 'starting':
    case 'stopping':
    case 'crashed':
    case 'failed':
      return state;
  }
}

/** What it holds or, marked as a prediction, would take. */
export function describeMemory(model: ModelView, plan: LoadPlanView | undefined): string {
  const held = heldBytes(model);
  if (isResident(model.state)) {
    if (held === 0) return '';
    return `${model.need?.source === 'measured' ? '' : '≈'}${formatSize(held)}`;
  }
  return plan === undefined ? '' : (describePlanSize(plan) ?? '');
}

export function describeActivity(model: ModelView, plan: LoadPlanView | undefined, now: number): string {
  const waits = model.waitingRequests > 0 ? [`waits: ${model.waitingRequests}`] : [];
  if (isResident(model.state)) return [...runningParts(model, now), ...waits].join(' · ');
  return [...planParts(model, plan), ...waits].join(' · ');
}

function runningParts(model: ModelView, now: number): string[] {
  const { state, activeRequests, concurrency, detail, lastUsedAt, needHistory } = model;
  if (state === 'starting') return [detail ?? 'starting'];
  if (state !== 'ready' && state !== 'draining') return [];
  if (activeRequests > 0) {
    const slots =
      concurrency === null
        ? `${activeRequests} ${activeRequests === 1 ? 'request' : 'requests'}`
        : `${activeRequests}/${concurrency} slots`;
    const speed = needHistory?.tokensPerSecond ?? null;
    return speed === null ? [slots] : [slots, `${formatRate(speed)} tok/s`];
  }
  const idleMs = now - (lastUsedAt ?? model.stateSince);
  return [idleMs < JUST_NOW_MS ? 'just used' : `idle ${formatDuration(idleMs)}`];
}

function planParts({ state }: ModelView, plan: LoadPlanView | undefined): string[] {
  if (state === 'failed' || plan === undefined) return [];
  const consequence = describeConsequence(plan);
  return consequence === undefined ? [] : [consequence];
}

export function formatRate(perSecond: number): string {
  return perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}
