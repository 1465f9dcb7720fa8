import { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { ModelProcessView } from '../supervisor/model-process-contract.ts';
import type { Lease } from './lease.ts';
import type { ModelRecord } from './model-record.ts';

export type LeaseWaits = Pick<Lease, 'queueWaitMs' | 'loadWaitMs'>;

const NO_WAIT: LeaseWaits = { queueWaitMs: 0, loadWaitMs: 0 };

export interface Leases {
  /** Lets a request run; the model must be ready. */
  open(requestId: string, model: ModelRecord, lane: string, waits?: LeaseWaits): Lease;
  /** Tells all who run that they have to end. */
  abort(model: ModelRecord, error: AppError): void;
  /** Running requests by lane. */
  readonly laneActive: ReadonlyMap<string, number>;
}

/** Who runs where: counts models' and lanes' requests, and notes when a model was last used. */
export function createLeases(options: {
  readonly clock: Clock;
  processView(modelId: string): ModelProcessView;
  onModelChanged(modelId: string): void;
  /** A request is over after `serviceMs`; its model and lane are free for another. */
  onReleased(model: ModelRecord, serviceMs: number): void;
}): Leases {
  const { clock } = options;
  const laneActive = new Map<string, number>();

  function count(lane: string, change: 1 | -1): void {
    const next = (laneActive.get(lane) ?? 0) + change;
    if (next <= 0) laneActive.delete(lane);
    else laneActive.set(lane, next);
  }

  return {
    laneActive,
    open(requestId, model, lane, waits = NO_WAIT) {
      const modelId = model.config.id;
      const { endpoint } = options.processView(modelId);
      if (endpoint === null) throw new AppError('internal', `Model "${modelId}" is ready but has no endpoint.`);
      let isReleased = false;
      const grantedMs = clock.nowMs();
      const lease: Lease = {
        requestId,
        modelId,
        endpoint,
        queueWaitMs: waits.queueWaitMs,
        loadWaitMs: waits.loadWaitMs,
        onAborted: undefined,
        release() {
          if (isReleased) return;
          isReleased = true;
          model.active.delete(lease);
          count(lane, -1);
          model.lastUsedMs = clock.nowMs();
          model.lastUsedWallMs = clock.wallMs();
          options.onModelChanged(modelId);
          options.onReleased(model, model.lastUsedMs - grantedMs);
        },
      };
      model.active.add(lease);
      count(lane, 1);
      options.onModelChanged(modelId);
      return lease;
    },
    abort(model, error) {
      for (const lease of model.active) lease.onAborted?.(error);
    },
  };
}
