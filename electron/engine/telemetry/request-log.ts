import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { RequestRecord } from '#shared/contract/request-record.ts';
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

/**
 * Request records: the newest in memory, all of them as lines of JSON in a file that is rotated so that both files together
 * stay within `maxFileBytes` (0 writes none). A disk that does not keep up loses records, never requests.
 */
export function createRequestLog(options: {
  folder: string;
  maxRecords: number;
  maxFileBytes: number;
  logger: Logger;
}): RequestLog {
  const { folder, maxRecords, maxFileBytes, logger } = options;
  const records: RequestRecord[] = [];
  let next = 0;
  let stream: RotatingFileStream | undefined;

  if (maxFileBytes > 0) {
    const sizeKilobytes = Math.max(1, Math.floor(maxFileBytes / FILES / 1024));
    stream = createStream(FILE_NAME, { path: folder, size: `${sizeKilobytes}K`, rotate: FILES - 1 });
    stream.on('error', (error) => {
      logger.log('warn', `Request records cannot be written: ${error.message}`, { folder });
      stream = undefined;
    });
  }

  return {
    add(record) {
      if (maxRecords > 0) {
        records[next] = record;
        next = (next + 1) % maxRecords;
      }
      if (stream !== undefined && stream.writableLength < MAX_PENDING_BYTES)
        stream.write(`${JSON.stringify(record)}\n`);
    },
    newest(limit) {
      const inOrder = [...records.slice(next), ...records.slice(0, next)];
      return inOrder.slice(-limit).reverse();
    },
    close: () =>
      new Promise((resolve) => {
        if (stream === undefined || stream.destroyed) {
          resolve();
          return;
        }
        stream.once('close', resolve);
        stream.end();
      }),
  };
}
