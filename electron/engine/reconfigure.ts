import { decideConfigChange, isEmptyChange, type ConfigChange } from './config/config-change.ts';
import { describeConfigChange } from './describe-config-change.ts';
import type { ConfigProblem, Engine } from './engine-contract.ts';
import type { EngineListeners } from './engine-listeners.ts';
import type { EngineMemoryParts } from './engine-memory.ts';
import type { EnginePools } from './engine-pools.ts';
import { inferenceSettingsOf, schedulerSettingsOf } from './engine-settings.ts';
import type { ModelShelf } from './engine-shelf.ts';
import type { EngineViews } from './engine-views.ts';
import type { LiveConfig } from './live-config.ts';
import type { ModelTable } from './model-table.ts';
import type { Logger } from './ports/logger.ts';
import type { Engines } from './runtimes/engines.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';
import type { KvCacheKeeper } from './supervisor/kv-cache-keeper.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

export interface Reconfigure extends Pick<Engine, 'applyConfig' | 'reportConfigErrors'> {
  /** Other models were found on disk than those that are listed. */
  takeFoundModels(): Promise<void>;
}

/** Takes another configuration, or other models, into use while the engine runs: what differs, in an order that holds. */
export function createReconfigure(options: {
  readonly live: LiveConfig;
  readonly logger: Logger;
  readonly shelf: Pick<ModelShelf, 'readTable' | 'rescan'>;
  readonly engines: Pick<Engines, 'configure'>;
  readonly memory: Pick<EngineMemoryParts, 'check' | 'reset'>;
  readonly supervisor: Pick<Supervisor, 'configure'>;
  readonly kvCacheKeeper: Pick<KvCacheKeeper, 'sweep'>;
  readonly pools: Pick<EnginePools, 'configure'>;
  readonly scheduler: Pick<Scheduler, 'configure'>;
  readonly listeners: Pick<EngineListeners, 'open'>;
  readonly views: Pick<EngineViews, 'announceInstance' | 'markModels'>;
  loadInBackground(modelId: string): void;
  lookForEngine(): void;
  isStopping(): boolean;
}): Reconfigure {
  const { live, logger, shelf, engines, memory, supervisor, kvCacheKeeper, pools, scheduler, listeners, views } =
    options;

  function useModels(next: ModelTable, { restarted }: ConfigChange): void {
    const previous = live.table;
    live.table = next;
    memory.reset();
    supervisor.configure(next.models);
    void kvCacheKeeper.sweep();
    pools.configure(live.config);
    scheduler.configure(
      schedulerSettingsOf(live.config, next),
      restarted.map(({ id }) => id),
    );
    options.lookForEngine();
    for (const model of next.models.values()) {
      if (model.startup && !previous.models.has(model.id)) options.loadInBackground(model.id);
    }
    views.markModels();
  }

  function reportConfigErrors(errors: readonly ConfigProblem[]): void {
    live.errors = errors;
    for (const { path: where, message } of errors) {
      logger.log('error', `The configuration was changed and is not in use: ${where} ${message}`);
    }
    views.announceInstance();
  }

  return {
    reportConfigErrors,

    async takeFoundModels() {
      const from = live.config;
      const next = await shelf.readTable(from);
      // A configuration that was applied meanwhile has read them too.
      if (from !== live.config || options.isStopping()) return;
      const change = decideConfigChange({ ...from, models: live.table.models }, { ...from, models: next.models });
      if (isEmptyChange(change)) return;
      logger.log('info', `Models on disk: ${describeConfigChange(change)}`);
      useModels(next, change);
    },

    async applyConfig(next, warnings) {
      if (options.isStopping()) return;
      const problems = await memory.check(next);
      if (problems.length > 0) {
        reportConfigErrors(problems);
        return;
      }
      const nextTable = await shelf.readTable(next);
      const change = decideConfigChange(
        { ...live.config, models: live.table.models },
        { ...next, models: nextTable.models },
      );
      live.errors = [];
      live.warnings = warnings;
      views.announceInstance();
      if (isEmptyChange(change)) return;
      await listeners.open(next);
      live.config = next;
      live.inferenceSettings = inferenceSettingsOf(next);
      if (change.isEngineChanged) engines.configure(next.engine);
      useModels(nextTable, change);
      logger.log('info', `The configuration was applied: ${describeConfigChange(change)}`);
      views.announceInstance();
      if (change.settings.some((setting) => setting.startsWith('catalog.'))) void shelf.rescan();
    },
  };
}
