import { isResident, type ModelState } from '#shared/model/model-state.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Counts loads and unloads by watching how models' states follow each other. */
export function createModelObserver(metrics: Metrics): (model: ModelView) => void {
  const before = new Map<string, ModelState>();
  return (model) => {
    const previous = before.get(model.id) ?? 'off';
    if (previous === model.state) return;
    before.set(model.id, model.state);
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
