import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import type { WaitStatus } from '../scheduler/wait-forecast.ts';

/** A request that waits for an endpoint of a pool. */
export interface PoolWaiter {
  readonly id: string;
  readonly poolName: string;
  readonly label: string;
  readonly lane: string;
  readonly priority: number;
  /** Wall-clock milliseconds. */
  readonly enqueuedAt: number;
  /** Why it waits, as last seen. */
  waitsFor: 'slot' | 'lane';
  reason: string;
}

/** Those who wait, by priority and then by age. Holds no timers and decides nothing. */
export interface PoolLine<Waiter extends PoolWaiter> {
  add(waiter: Waiter): void;
  remove(waiter: Waiter): void;
  find(id: string): Waiter | undefined;
  inOrder(): readonly Waiter[];
  countOf(poolName: string): number;
  /** Positions go on behind those of the requests that wait for local models. */
  views(localCount: number): QueueEntryView[];
  statusOf(id: string): WaitStatus | undefined;
}

export function createPoolLine<Waiter extends PoolWaiter>(): PoolLine<Waiter> {
  let waiting: Waiter[] = [];
  return {
    add(waiter) {
      // Of equals the one that came first stays first.
      const behind = waiting.findIndex(({ priority }) => priority < waiter.priority);
      waiting = behind === -1 ? [...waiting, waiter] : waiting.toSpliced(behind, 0, waiter);
    },
    remove(waiter) {
      waiting = waiting.filter((each) => each !== waiter);
    },
    find: (id) => waiting.find((waiter) => waiter.id === id),
    inOrder: () => waiting,
    countOf: (poolName) => waiting.filter((waiter) => waiter.poolName === poolName).length,
    views: (localCount) =>
      waiting.map(({ id, label, lane, priority, waitsFor, reason, enqueuedAt }, index) => ({
        id,
        modelId: label,
        lane,
        priority,
        waitsFor,
        reason,
        position: localCount + index + 1,
        enqueuedAt,
        expectedWaitMs: null,
      })),
    statusOf(id) {
      const waiter = waiting.find((each) => each.id === id);
      if (waiter === undefined) return undefined;
      const same = waiting.filter(({ poolName }) => poolName === waiter.poolName);
      return {
        waitsFor: waiter.waitsFor,
        place: same.indexOf(waiter) + 1,
        total: same.length,
        modelState: 'ready',
        loadProgress: null,
      };
    },
  };
}
