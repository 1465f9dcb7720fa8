import { AppError } from '#shared/contract/errors.ts';
import type { Engine } from './engine-contract.ts';
import type { EngineMemoryParts } from './engine-memory.ts';
import type { EnginePools } from './engine-pools.ts';
import { loadPlanView } from './memory-view.ts';
import type { ModelTable } from './model-table.ts';
import { unknownModel } from './proxy/find-target.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';

/** What is asked of models and of requests that wait for them, for the facade. */
export function createModelFacade(options: {
  readonly scheduler: Scheduler;
  readonly memory: Pick<EngineMemoryParts, 'keeper'>;
  readonly pools: Pick<EnginePools, 'cancel'>;
  table(): ModelTable;
  isLoaded(modelId: string): boolean;
}): Pick<
  Engine,
  | 'resolveModel'
  | 'loadModel'
  | 'ejectModel'
  | 'ejectAllModels'
  | 'planLoad'
  | 'setPinned'
  | 'resetModel'
  | 'cancelRequest'
> {
  const { scheduler, memory, pools, table, isLoaded } = options;
  return {
    resolveModel(name) {
      const resolved = table().resolve(name);
      if (resolved !== undefined) return resolved.modelId;
      throw unknownModel(name, [...table().models.keys()]);
    },
    loadModel: scheduler.load,
    ejectModel: scheduler.eject,
    async ejectAllModels(mode, signal) {
      const loaded = [...table().models.keys()].filter(isLoaded);
      return await Promise.all(loaded.map((id) => scheduler.eject(id, mode, signal)));
    },
    async planLoad(modelId) {
      await memory.keeper.prepare(modelId);
      return loadPlanView(scheduler.plan(modelId));
    },
    setPinned: scheduler.setPinned,
    resetModel: scheduler.reset,
    cancelRequest(requestId) {
      if (pools.cancel(requestId)) return;
      throw new AppError(
        'not-found',
        `No request "${requestId}" waits; it may have been served or given up meanwhile.`,
      );
    },
  };
}
