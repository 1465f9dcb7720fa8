import type { ServerResponse } from 'node:http';
import type { LogLine } from '#shared/contract/commands.ts';
import type { DialectHost } from '../dialect.ts';

/** What llama-swap keeps of its log. */
const HISTORY_BYTES = 10 * 1024;

/** More lines than that are longer than the history, unless they are all but empty. */
const HISTORY_LINES = 2000;

/** Whoever reads slower than this is written is given the rest once there is room. */
const MAX_UNREAD_BYTES = 256 * 1024;

/** Lines taken from a log at once, so that one that is read from far behind blocks nobody. */
const BATCH_LINES = 500;

/** The log of Corral itself. */
const OWN_SOURCE = 'corral';

export interface SwapLogs {
  /** The end of all that the sources wrote, oldest first. */
  history(sources: readonly string[]): string;
  /** Answers with what is written from now on, after the history unless it is skipped, until the client goes away. */
  stream(response: ServerResponse, options: StreamOptions): void;
  /** Ends all streams. */
  close(): void;
}

export interface StreamOptions {
  /** Asked anew for each line, since models come and go. */
  isWanted(source: string): boolean;
  readonly sources: readonly string[];
  readonly hasHistory: boolean;
  readonly format: 'text' | 'events';
}

export function createSwapLogs(engine: Pick<DialectHost['engine'], 'readLogs' | 'subscribe'>): SwapLogs {
  const open = new Set<() => void>();

  function history(sources: readonly string[]): string {
    const lines = sources.flatMap((source) => engine.readLogs(source, { limit: HISTORY_LINES }).lines);
    return endOf(lines.toSorted((one, other) => one.at - other.at));
  }

  function stream(response: ServerResponse, { isWanted, sources, hasHistory, format }: StreamOptions): void {
    const isEvents = format === 'events';
    response.writeHead(200, {
      'content-type': isEvents ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    response.flushHeaders();
    const write = (text: string): void => {
      if (text !== '') response.write(isEvents ? asEvent(text) : text);
    };
    const lastLines = new Map(sources.map((source) => [source, lastLineOf(source)]));
    const waiting = new Set<string>();

    const flush = (): void => {
      for (const source of waiting) {
        for (;;) {
          if (response.writableLength > MAX_UNREAD_BYTES) return;
          const range = { after: lastLines.get(source) ?? 0, before: undefined, limit: Number.MAX_SAFE_INTEGER };
          const lines = engine.readLogs(source, range).lines.slice(0, BATCH_LINES);
          const last = lines.at(-1);
          if (last === undefined) break;
          lastLines.set(source, last.number);
          write(lines.map(({ text }) => `${text}\n`).join(''));
        }
        waiting.delete(source);
      }
    };
    if (hasHistory) write(history(sources));
    const unsubscribe = engine.subscribe(
      ({ event }) => {
        if (event.type !== 'log-appended' || !isWanted(event.source)) return;
        waiting.add(event.source);
        flush();
      },
      { isLooking: false },
    );
    const end = (): void => {
      open.delete(finish);
      unsubscribe();
      response.end();
    };
    // What was written last has not been announced yet.
    const finish = (): void => {
      for (const source of sources) waiting.add(source);
      flush();
      end();
    };
    open.add(finish);
    response.on('drain', flush);
    response.once('close', end);
  }

  function lastLineOf(source: string): number {
    return engine.readLogs(source, { limit: 1 }).lines.at(-1)?.number ?? 0;
  }

  return {
    history,
    stream,
    close() {
      for (const finish of [...open]) finish();
    },
  };
}

/** The logs a path names: `proxy` is Corral's own, `upstream` those of the models, a model's its own; all without a name. */
export function sourcesOf(name: string | undefined, modelIds: readonly string[]): readonly string[] | undefined {
  if (name === undefined) return [OWN_SOURCE, ...modelIds];
  if (name === 'proxy') return [OWN_SOURCE];
  if (name === 'upstream') return modelIds;
  return modelIds.includes(name) ? [name] : undefined;
}

function endOf(lines: readonly Pick<LogLine, 'text'>[]): string {
  const kept: string[] = [];
  let bytes = 0;
  for (const { text } of lines.toReversed()) {
    const line = `${text}\n`;
    bytes += Buffer.byteLength(line);
    if (bytes > HISTORY_BYTES) {
      if (kept.length === 0) kept.push(Buffer.from(line).subarray(-HISTORY_BYTES).toString('utf8'));
      break;
    }
    kept.push(line);
  }
  return kept.reverse().join('');
}

function asEvent(text: string): string {
  const lines = text.replace(/\n$/, '').split('\n');
  return `event: message\n${lines.map((line) => `data: ${line}\n`).join('')}\n`;
}
