import type { RequestRecord } from '#shared/contract/request-record.ts';
import type { Clock, Timer } from '../ports/clock.ts';

/** A record still to be made: what it costs to read an answer's usage, and to count it, need not delay the next request. */
export type PendingRecord = () => RequestRecord;

export interface RecordIntake {
  add(pending: PendingRecord): void;
  /** Makes and takes all that is pending; for whoever wants to know now. */
  flush(): void;
}

/** Nobody looks more often than this. */
const MAX_AGE_MS = 100;
/** Each holds the end of its answer until then, 16 kB at most; and this many together delay nobody by a millisecond. */
const MAX_PENDING = 32;

/** Gathers the records of finished requests and takes them together, in their order. */
export function createRecordIntake(clock: Clock, take: (record: RequestRecord) => void): RecordIntake {
  let pending: PendingRecord[] = [];
  let timer: Timer | undefined;

  function flush(): void {
    timer?.cancel();
    timer = undefined;
    const due = pending;
    pending = [];
    for (const make of due) take(make());
  }

  return {
    add(record) {
      pending.push(record);
      if (pending.length >= MAX_PENDING) flush();
      else timer ??= clock.setTimer(MAX_AGE_MS, flush);
    },
    flush,
  };
}
