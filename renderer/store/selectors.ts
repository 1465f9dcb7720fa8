import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { AppState } from './app-store.ts';
import { assignColours } from './model-colours.ts';

export interface HerdCounts {
  readonly loaded: number;
  readonly loading: number;
  readonly waiting: number;
  readonly troubled: number;
}

export function countHerd(snapshot: Snapshot): HerdCounts {
  const count = (matches: (model: ModelView) => boolean): number => snapshot.models.filter(matches).length;
  return {
    loaded: count(({ state }) => state === 'ready' || state === 'draining'),
    loading: count(({ state }) => state === 'starting' || state === 'loading'),
    waiting: snapshot.queue.length,
    troubled: count(({ state }) => state === 'failed' || state === 'crashed'),
  };
}

/** What is loaded first, then what is in trouble, then the rest; each in the order of the configuration. */
export function orderHerd(models: readonly ModelView[]): readonly ModelView[] {
  const rank = ({ state }: ModelView): number => {
    if (isResident(state)) return 0;
    return state === 'off' ? 2 : 1;
  };
  return [...models].sort((left, right) => rank(left) - rank(right));
}

/** Bytes a model holds over all devices: reserved until its memory was seen to come back. */
export function heldBytes(model: ModelView): number {
  return Object.values(model.reservedBytes).reduce((sum, bytes) => sum + bytes, 0);
}

/** The colour numbers of a snapshot's models; the same map as long as the same models are there. */
export const selectColours = memoizeByIds(assignColours);

export function selectModel(state: AppState, id: string): ModelView | undefined {
  return state.snapshot?.models.find((model) => model.id === id);
}

function memoizeByIds<Value>(compute: (ids: readonly string[]) => Value): (models: readonly ModelView[]) => Value {
  let lastKey: string | undefined;
  let last: Value;
  return (models) => {
    const ids = models.map(({ id }) => id);
    const key = JSON.stringify(ids);
    if (key !== lastKey) {
      last = compute(ids);
      lastKey = key;
    }
    return last;
  };
}
