import { AppError } from '#shared/contract/errors.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import type { LogFact } from '../llama/log-lines.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { LogStore } from '../process/log-store.ts';
import type { LaunchDependencies } from './launch.ts';
import { createModelProcess } from './model-process.ts';
import type { ModelProcess } from './model-process-contract.ts';

export interface SupervisorOptions extends Omit<LaunchDependencies, 'onDetail'> {
  readonly models: ReadonlyMap<string, ModelConfig>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly logStore: LogStore;
  readonly connectTimeoutMs: number;
  onSpawned(pid: number): void;
  onGone(pid: number): void;
  onLaunched?(modelId: string): void;
  onLogFact?(modelId: string, fact: LogFact): void;
}

export interface SupervisorListener {
  onChange(modelId: string): void;
  onStartFailed(modelId: string, error: AppError): void;
}

export interface Supervisor {
  /** Throws `not-found` for an id that is not configured. */
  process(modelId: string): ModelProcess;
  modelIds(): readonly string[];
  /**
   * Takes over other models. New ones are there at once; those that stay are started with their new settings from now on;
   * those that are gone are forgotten once their process is, which the caller sees to.
   */
  configure(models: ReadonlyMap<string, ModelConfig>): void;
  /** Lets go of a model that is no longer configured and has no process. */
  forget(modelId: string): void;
  /** The one listener: the scheduler, which hands on what others want to know. */
  listen(listener: SupervisorListener): void;
  /** Ends every process; resolves once all are gone. */
  stopAll(askedBy: string): Promise<void>;
}

/** All model processes. Each has one writer, its `ModelProcess`; this only holds them together. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { logStore } = options;
  let listener: SupervisorListener | undefined;
  const processes = new Map<string, ModelProcess>();

  function configure(models: ReadonlyMap<string, ModelConfig>): void {
    for (const [modelId, model] of models) {
      const known = processes.get(modelId);
      if (known === undefined) processes.set(modelId, createProcess(model));
      else known.configure(model);
    }
  }

  function createProcess(model: ModelConfig): ModelProcess {
    return createModelProcess(model, {
      ...options,
      appendLog: (stream, text) => logStore.append(model.id, stream, text),
      readLogTail: (lines) => logStore.tail(model.id, lines),
      onChange: () => listener?.onChange(model.id),
      onStartFailed: (error) => listener?.onStartFailed(model.id, error),
    });
  }

  configure(options.models);

  return {
    process(modelId) {
      const found = processes.get(modelId);
      if (found === undefined) throw new AppError('not-found', `There is no model "${modelId}".`);
      return found;
    },
    modelIds: () => [...processes.keys()],
    configure,
    forget: (modelId) => void processes.delete(modelId),
    listen(next) {
      listener = next;
    },
    async stopAll(askedBy) {
      await Promise.all([...processes.values()].map((each) => each.stop(askedBy)));
    },
  };
}
