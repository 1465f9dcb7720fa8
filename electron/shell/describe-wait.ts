import type { Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';

/** What an orderly stop waits for, in words: running requests first, then the models' processes. */
export function describeWait({ models }: Snapshot): string {
  const activeRequests = models.reduce((sum, model) => sum + model.activeRequests, 0);
  if (activeRequests > 0) return activeRequests === 1 ? '1 running request' : `${activeRequests} running requests`;
  const loaded = models.filter((model) => isResident(model.state)).length;
  if (loaded > 0) return loaded === 1 ? '1 model to be unloaded' : `${loaded} models to be unloaded`;
  return 'what it had begun';
}
