import type { LogLine } from '#shared/contract/commands.ts';
import type { Clock } from '../ports/clock.ts';
import { sanitiseLine } from './line-intake.ts';
import { openLogFile, type LogFile } from './log-file.ts';
import { createLogRing, type LogRange, type LogRing } from './log-ring.ts';

/** Kept in memory for each source; older lines are in the files. */
const MAX_LINES = 10_000;
const MAX_CHARACTERS = 2 * 1024 * 1024;

export interface LogStore {
  append(source: string, stream: LogLine['stream'], text: string): void;
  /** Undefined for a source that never wrote anything. */
  read(source: string, range: LogRange): { lines: LogLine[]; hasEarlier: boolean } | undefined;
  tail(source: string, limit: number): string[];
  close(): Promise<void>;
}

/**
 * The logs of all models and of Corral itself: the newest lines in memory, all of them in rotated files. `onAppended` is
 * called for each line, and must be cheap.
 */
export function createLogStore(options: {
  folder: string;
  clock: Clock;
  onAppended(source: string, lastLine: number): void;
}): LogStore {
  const { folder, clock, onAppended } = options;
  const sources = new Map<string, { ring: LogRing; file: LogFile }>();
  let isClosed = false;

  function open(source: string): { ring: LogRing; file: LogFile } {
    const known = sources.get(source);
    if (known !== undefined) return known;
    const ring = createLogRing({ maxLines: MAX_LINES, maxCharacters: MAX_CHARACTERS });
    const file = openLogFile(folder, source, (message) => ring.append('corral', message, clock.wallMs()));
    const opened = { ring, file };
    sources.set(source, opened);
    return opened;
  }

  return {
    append(source, stream, raw) {
      if (isClosed) return;
      const { ring, file } = open(source);
      const at = clock.wallMs();
      // What Corral notes holds command lines and names, which may have line breaks in them.
      const text = stream === 'corral' ? sanitiseLine(raw) : raw;
      const number = ring.append(stream, text, at);
      file.write(`${new Date(at).toISOString()} ${stream === 'corral' ? '' : `${stream}: `}${text}`);
      onAppended(source, number);
    },
    read: (source, range) => sources.get(source)?.ring.read(range),
    tail: (source, limit) =>
      sources
        .get(source)
        ?.ring.read({ limit })
        .lines.map((line) => line.text) ?? [],
    async close() {
      isClosed = true;
      await Promise.all([...sources.values()].map(({ file }) => file.close()));
    },
  };
}
