import { AppError } from '#shared/contract/errors.ts';
import type { MemoryView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { Engine } from './engine-contract.ts';
import type { EngineMemoryParts } from './engine-memory.ts';
import type { EnginePools } from './engine-pools.ts';
import type { ModelShelf } from './engine-shelf.ts';
import type { EventFeed } from './event-feed.ts';
import { instanceView } from './instance-view.ts';
import type { ConfigInUse } from './config-in-use.ts';
import { createMemoryHistory } from './memory/memory-history.ts';
import { createSteadyMemory } from './memory/steady-memory.ts';
import { modelView } from './model-view.ts';
import type { Clock } from './ports/clock.ts';
import type { Engines } from './runtimes/engines.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

export interface EngineViews extends Pick<Engine, 'snapshot' | 'model' | 'readMemoryHistory'> {
  models(): ModelView[];
  memory(): MemoryView;
  isLoaded(modelId: string): boolean;
  /** These have whoever listens told of what is another now. */
  markModel(modelId: string): void;
  markModels(): void;
  markMemory(): void;
  announceInstance(): void;
}

/** What the engine shows of itself, put together from its parts, and the news of that. */
export function createEngineViews(options: {
  readonly version: string;
  readonly dataFolder: string;
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly feed: EventFeed;
  readonly inUse: ConfigInUse;
  readonly shelf: Pick<ModelShelf, 'originOf' | 'commands'>;
  readonly engines: Pick<Engines, 'status'>;
  readonly supervisor: Pick<Supervisor, 'process'>;
  readonly memory: Pick<EngineMemoryParts, 'view' | 'need' | 'history'>;
  readonly pools: Pick<EnginePools, 'queue' | 'views'>;
  readonly scheduler: Pick<Scheduler, 'counts' | 'isGameMode'>;
  address(): string;
  isShuttingDown(): boolean;
}): EngineViews {
  const { version, dataFolder, startedAt, clock, feed, inUse, shelf, engines, supervisor, pools, scheduler } = options;
  const steadyMemory = createSteadyMemory(() => options.memory.view(scheduler.isGameMode()));
  const memoryHistory = createMemoryHistory();

  function viewOf(modelId: string): ModelView {
    const model = inUse.table.models.get(modelId);
    if (model === undefined) throw new AppError('not-found', `There is no model "${modelId}".`);
    return modelView(model, supervisor.process(modelId).view(), scheduler.counts(modelId), {
      origin: shelf.originOf(modelId),
      need: options.memory.need(modelId),
      history: options.memory.history(modelId),
    });
  }

  const models = (): ModelView[] => [...inUse.table.models.keys()].map(viewOf);

  const viewOfInstance = (): ReturnType<typeof instanceView> =>
    instanceView(inUse.config, {
      version,
      startedAt,
      address: options.address(),
      configWarnings: inUse.warnings,
      configErrors: inUse.errors,
      dataFolder,
      isShuttingDown: options.isShuttingDown(),
    });

  return {
    model: viewOf,
    models,
    memory: steadyMemory.view,
    readMemoryHistory: () => memoryHistory.read(clock.wallMs()),
    isLoaded: (modelId) => inUse.table.models.has(modelId) && isResident(supervisor.process(modelId).view().state),
    snapshot: () => ({
      sequence: feed.sequence(),
      instance: viewOfInstance(),
      engine: engines.status(),
      models: models(),
      queue: pools.queue(),
      pools: pools.views(),
      memory: steadyMemory.view(),
      downloads: shelf.commands.downloads.list(),
    }),
    markModel(modelId) {
      feed.mark(`model:${modelId}`, () => {
        const model = inUse.table.models.has(modelId) ? viewOf(modelId) : undefined;
        return model === undefined ? undefined : { type: 'model-changed', model };
      });
    },
    markModels: () => feed.mark('models', () => ({ type: 'models-changed', models: models() })),
    markMemory() {
      memoryHistory.note(steadyMemory.view(), clock.wallMs());
      feed.mark('memory', () => {
        const news = steadyMemory.news();
        return news === undefined ? undefined : { type: 'memory-changed', memory: news };
      });
    },
    announceInstance: () => feed.mark('instance', () => ({ type: 'instance-changed', instance: viewOfInstance() })),
  };
}
