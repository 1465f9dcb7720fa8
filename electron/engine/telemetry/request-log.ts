import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';

export interface RequestLog {
  add(record: RequestRecord): void;
  /** The newest `limit` records, newest first. */
  newest(limit: number): RequestRecord[];
  close(): Promise<void>;
}

const FILE_NAME = 'requests.jsonl';
/** Two files share the space on disk: the one being written, and the one before. */
const FILES = 2;
const MAX_PENDING_BYTES = 1024 * 1024;
/** Lines go to the file together: one write a request costs more than the rest of its record. */
const WRITE_INTERVAL_MS = 250;
const MAX_GATHERED = 256;

/**
 * Request records: the newest in memory, all of them as lines of JSON in a file that is rotated so that both files together
 * stay within `maxFileBytes` (0 writes none), a quarter of a second late at most. A disk that does not keep up loses records,
 * never requests.
 */
export function createRequestLog(options: {
  folder: string;
  maxRecords: number;
  maxFileBytes: number;
  logger: Logger;
  clock: Clock;
}): RequestLog {
  const { folder, maxRecords, maxFileBytes, logger, clock } = options;
  const records: RequestRecord[] = [];
  let next = 0;
  let stream: RotatingFileStream | undefined;
  let gathered: RequestRecord[] = [];
  let timer: Timer | undefined;

  if (maxFileBytes > 0) {
    const sizeKilobytes = Math.max(1, Math.floor(maxFileBytes / FILES / 1024));
    stream = createStream(FILE_NAME, { path: folder, size: `${sizeKilobytes}K`, rotate: FILES - 1 });
    stream.on('error', (error) => {
      logger.log('warn', `Request records cannot be written: ${error.message}`, { folder });
      stream = undefined;
    });
  }

  function write(): void {
    timer?.cancel();
    timer = undefined;
    const lines = gathered;
    gathered = [];
    if (lines.length === 0 || stream === undefined || stream.writableLength >= MAX_PENDING_BYTES) return;
    stream.write(lines.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }

  return {
    add(record) {
      if (maxRecords > 0) {
        records[next] = record;
        next = (next + 1) % maxRecords;
      }
      if (stream === undefined) return;
      gathered.push(record);
      if (gathered.length >= MAX_GATHERED) write();
      else timer ??= clock.setTimer(WRITE_INTERVAL_MS, write);
    },
    newest(limit) {
      const inOrder = [...records.slice(next), ...records.slice(0, next)];
      return inOrder.slice(-limit).reverse();
    },
    close: () =>
      new Promise((resolve) => {
        write();
        if (stream === undefined || stream.destroyed) {
          resolve();
          return;
        }
        stream.once('close', resolve);
        stream.end();
      }),
  };
}
