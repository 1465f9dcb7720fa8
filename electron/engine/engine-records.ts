import type { RequestRecord } from '#shared/contract/request-record.ts';
import type { EventFeed } from './event-feed.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { createRecordIntake, type RecordIntake } from './telemetry/record-intake.ts';
import { createRequestLog } from './telemetry/request-log.ts';

/** The records of requests: taken in, kept, and told to whoever listens. */
export function openEngineRecords(options: {
  readonly folder: string;
  readonly maxRecords: number;
  readonly maxFileBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly feed: EventFeed;
  onRecord(record: RequestRecord): void;
}): {
  readonly intake: RecordIntake;
  list(limit: number): RequestRecord[];
  close(): Promise<void>;
} {
  const { clock, feed, onRecord } = options;
  const log = createRequestLog(options);
  let total = 0;
  const intake = createRecordIntake(clock, (record) => {
    log.add(record);
    total += 1;
    feed.mark('requests', () => ({ type: 'requests-recorded', total }));
    onRecord(record);
  });
  return {
    intake,
    list(limit) {
      intake.flush();
      return log.newest(limit);
    },
    async close() {
      intake.flush();
      await log.close();
    },
  };
}
