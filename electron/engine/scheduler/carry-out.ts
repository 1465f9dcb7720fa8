import { AppError } from '#shared/contract/errors.ts';
import { assertNever } from '#shared/lib/assert-never.ts';
import type { Clock } from '../ports/clock.ts';
import type { MemoryKeeper } from '../ports/memory-keeper.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { Leases } from './leases.ts';
import type { ModelRecord } from './model-record.ts';
import { rejectionError } from './rejection.ts';
import type { Reservations } from './reservations.ts';
import type { SchedulerDecision } from './view.ts';
import type { WaitForecast } from './wait-forecast.ts';
import type { WaitingEntry, WaitingLine } from './waiting-line.ts';

/** Turns decisions into acts, one at a time; decides nothing. */
export function createCarryOut(options: {
  readonly supervisor: Pick<Supervisor, 'process'>;
  readonly clock: Clock;
  readonly memory: Pick<MemoryKeeper, 'needOf' | 'prepare' | 'expectReturn'>;
  readonly line: WaitingLine;
  readonly leases: Leases;
  readonly reservations: Pick<Reservations, 'hold'>;
  readonly forecast: Pick<WaitForecast, 'retryAfterSeconds'>;
  record(modelId: string): ModelRecord;
  settleRejected(entry: WaitingEntry, error: Error): void;
  onQueueChanged(): void;
  /** Something is known now that was not when it was decided. */
  onPrepared(): void;
  /** Once the acts of this round are done. */
  decideAgain(): void;
}): (decision: SchedulerDecision) => void {
  const { supervisor, clock, memory, line, leases, record } = options;
  const preparing = new Set<string>();

  function prepare(modelId: string): void {
    if (preparing.has(modelId)) return;
    preparing.add(modelId);
    void memory.prepare(modelId).then(() => {
      preparing.delete(modelId);
      options.onPrepared();
    });
  }

  function grant(entry: WaitingEntry): void {
    line.remove(entry);
    options.onQueueChanged();
    const model = record(entry.modelId);
    if (entry.kind === 'load') {
      // Being asked for is a use. Nothing else follows a load that would have the idle time, or an eject, looked at again.
      model.lastUsedMs = clock.nowMs();
      options.decideAgain();
      entry.resolve(undefined);
      return;
    }
    const waitMs = clock.nowMs() - entry.enqueuedMs;
    // What passed before the model was ready counts as load, the rest as queue.
    const loadWaitMs = Math.max(0, Math.min(waitMs, model.readyAtMs - entry.enqueuedMs));
    const waits = { queueWaitMs: waitMs - loadWaitMs, loadWaitMs };
    entry.resolve(leases.open(entry.id, model, entry.lane, waits));
  }

  return function carryOut(decision) {
    switch (decision.kind) {
      case 'grant': {
        const entry = line.find(decision.requestId);
        if (entry !== undefined) grant(entry);
        return;
      }
      case 'reject': {
        const entry = line.find(decision.requestId);
        if (entry === undefined) return;
        const { problem } = supervisor.process(entry.modelId).view();
        const retryAfterSeconds = options.forecast.retryAfterSeconds(entry);
        options.settleRejected(entry, rejectionError(decision, { problem, retryAfterSeconds }));
        return;
      }
      case 'start': {
        const { modelId, placement } = decision;
        if (placement !== undefined) options.reservations.hold(modelId, placement.bytes);
        const model = record(modelId);
        model.startedFor = memory.needOf(modelId);
        const { startedFor, contextSize: reducedContextSize } = model;
        supervisor.process(modelId).start({ placement, contextSize: startedFor?.contextSize, reducedContextSize });
        return;
      }
      case 'prepare':
        prepare(decision.modelId);
        return;
      case 'abandon-start':
        supervisor.process(decision.modelId).abandonStart('nobody waits for it any more');
        return;
      case 'drain':
        supervisor.process(decision.modelId).drain();
        return;
      case 'stop':
        if (decision.abortsRequests) {
          leases.abort(
            record(decision.modelId),
            new AppError('ejected', `Model "${decision.modelId}" was ejected while it answered.`),
          );
        }
        memory.expectReturn(decision.modelId);
        void supervisor.process(decision.modelId).stop(decision.askedBy);
        return;
      default:
        assertNever(decision);
    }
  };
}
