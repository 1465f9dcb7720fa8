import { isResident } from '#shared/model/model-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { MemoryKeeper } from '../ports/memory-keeper.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { settleEject } from './ejects.ts';
import type { ModelRecord } from './model-record.ts';
import type { Reservations } from './reservations.ts';

/** Brings the scheduler's record of a model up to what its process has become: its times, its memory, who waits for its end. */
export function createProcessChanges(options: {
  readonly supervisor: Pick<Supervisor, 'process'>;
  readonly clock: Clock;
  readonly memory: Pick<MemoryKeeper, 'noteProcess'>;
  readonly reservations: Reservations;
  /** A model that is no longer configured has no process any more. */
  onRemovedGone(modelId: string): void;
  /** A process that somebody used a moment ago ended by itself. */
  onCrashed(modelId: string): void;
}): (model: ModelRecord) => void {
  const { supervisor, clock, memory, reservations } = options;
  return function noteProcessChange(model) {
    const modelId = model.config.id;
    const view = supervisor.process(modelId).view();
    const before = model.lastState;
    if (before === view.state) return;
    model.lastState = view.state;
    if (view.state === 'loading') memory.noteProcess(modelId);
    if (view.state === 'ready' && before === 'loading') {
      model.lastUsedMs = clock.nowMs();
      model.readyAtMs = model.lastUsedMs;
      model.outOfMemory = 0;
      const isStillThere = (): boolean => {
        const { state, generation } = supervisor.process(modelId).view();
        return generation === view.generation && isResident(state);
      };
      reservations.correct(modelId, isStillThere);
    }
    if (!isResident(view.state)) {
      model.keepAliveMs = undefined;
      if (before === 'starting') reservations.drop(modelId);
      settleEject(model, view, reservations.giveBack(modelId), clock);
      if (model.isRemoved) {
        options.onRemovedGone(modelId);
        return;
      }
    }
    if (view.state === 'crashed' && (before === 'ready' || before === 'draining')) options.onCrashed(modelId);
  };
}
