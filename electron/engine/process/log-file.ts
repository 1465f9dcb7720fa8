import { createHash } from 'node:crypto';
import { createStream } from 'rotating-file-stream';

/** Lines kept in memory for a disk that does not keep up; beyond it they are left out of the file, not of the ring. */
const MAX_PENDING_BYTES = 1024 * 1024;

export interface LogFile {
  write(line: string): void;
  /** Resolves once everything is on its way to the disk and the descriptor is closed. */
  close(): Promise<void>;
}

/**
 * A log file that is rotated at 5 MiB and keeps three older ones. A disk that is full or gone is reported once through
 * `onProblem`; logging never stops the engine.
 */
export function openLogFile(folder: string, source: string, onProblem: (message: string) => void): LogFile {
  const stream = createStream(logFileName(source), { path: folder, size: '5M', rotate: 3 });
  let hasEnded = false;
  let hasWarned = false;
  stream.on('error', (error) => {
    hasEnded = true;
    onProblem(`The log of ${source} cannot be written to ${folder} any more: ${error.message}`);
  });
  // A rotation that failed, say; writing goes on.
  stream.on('warning', (error) => {
    if (!hasWarned) onProblem(`The log of ${source} in ${folder}: ${error.message}`);
    hasWarned = true;
  });
  return {
    write(line) {
      if (!hasEnded && stream.writableLength < MAX_PENDING_BYTES) stream.write(`${line}\n`);
    },
    close: () =>
      new Promise((resolve) => {
        if (stream.destroyed) {
          resolve();
          return;
        }
        stream.once('close', resolve);
        stream.end();
      }),
  };
}

/** A file name for any source: what is not plain becomes `_`, and a digest keeps different names apart. */
export function logFileName(source: string): string {
  const plain = source.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 60);
  // Case alone does not tell files apart everywhere, and Windows keeps some names for its devices.
  const isSafe =
    plain === plain.toLowerCase() && !plain.startsWith('.') && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(plain);
  if (plain === source && isSafe) return `${plain}.log`;
  return `${plain.replace(/^\.+/, '_')}-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.log`;
}
