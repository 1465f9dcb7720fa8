import { isResident, type ModelState } from '#shared/model/model-state.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import type { Metrics } from './telemetry/metrics.ts';

/**
 * Counts loads and unloads by watching how models' states follow each other. Asked with every request, it reads the view
 * only of a model whose state is another one.
 */
export function createModelObserver(
  metrics: Metrics,
): (modelId: string, state: ModelState, viewOf: (modelId: string) => ModelView) => void {
  const before = new Map<string, ModelState>();
  return (modelId, state, viewOf) => {
    const previous = before.get(modelId) ?? 'off';
    if (previous === state) return;
    before.set(modelId, state);
    const model = viewOf(modelId);
    if (model.state === 'ready' && previous === 'loading') metrics.observeLoad(model.id, model.lastLoadMs ?? 0);
    if (isResident(previous) && !isResident(model.state)) metrics.observeUnload(model.id, unloadReason(model));
  };
}

function unloadReason(model: ModelView): string {
  if (model.state !== 'off') return 'crash';
  const askedBy = model.lastExit?.askedBy ?? '';
  if (askedBy.startsWith('makes room')) return 'room';
  if (askedBy.startsWith('idle')) return 'idle';
  if (askedBy === 'shutdown') return 'shutdown';
  return askedBy === 'changed settings' ? 'settings' : 'eject';
}
