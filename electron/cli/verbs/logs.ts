import type { Bridge } from '#shared/contract/bridge.ts';
import type { LogLine } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { isNotRunning } from '../connect.ts';
import { printableLogLine } from '../printable.ts';
import type { VerbContext } from '../terminal.ts';

/** Corral's own log. */
const APP_LOG = 'corral';

/** The most that one `read-logs` gives, and all that the running Corral keeps in memory. */
export const MAX_LOG_LINES = 10_000;

export interface LogsRequest {
  /** Id or alias of a model; undefined for Corral's own log. */
  readonly name: string | undefined;
  /** How many of the lines there already are, 0 to `MAX_LOG_LINES`. */
  readonly lineCount: number;
  readonly isFollowing: boolean;
}

/**
 * `corral logs`: the last lines of a log and, if followed, each line as it is written, once, across reconnects. As JSON:
 * one log line a line. Following ends without an error when it is aborted or when Corral ends.
 */
export async function showLogs(bridge: Bridge, context: VerbContext, request: LogsRequest): Promise<void> {
  const source = request.name ?? APP_LOG;
  const limit = Math.max(1, request.lineCount);
  const { lines } = await bridge.call('read-logs', { source, limit }, context.signal);
  if (request.lineCount > 0) writeLines(context, lines);
  if (request.isFollowing) await followLog(bridge, context, { source, after: lines.at(-1)?.number ?? 0 });
}

async function followLog(
  bridge: Bridge,
  context: VerbContext,
  { source, after }: { readonly source: string; readonly after: number },
): Promise<void> {
  const { terminal, isJson, signal } = context;
  let lastNumber = after;
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  const news = { isPending: false };
  let resume = (): void => undefined;

  const wake = (): void => {
    news.isPending = true;
    resume();
  };
  const unsubscribe = bridge.subscribe({
    onUpdate({ snapshot, event }) {
      const isNews =
        event === undefined || (event.type === 'log-appended' && event.source === sourceId(snapshot, source));
      if (isNews) wake();
    },
    // Asking once more tells whether Corral is still there; the subscription itself would try for ever.
    onDisconnect: wake,
  });
  ended.addEventListener('abort', wake, { once: true });
  try {
    while (!ended.aborted) {
      if (news.isPending) {
        news.isPending = false;
        await readOn();
      } else {
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
      }
    }
  } finally {
    ended.removeEventListener('abort', wake);
    unsubscribe();
  }

  /** Prints what is new. */
  async function readOn(): Promise<void> {
    try {
      const { lines } = await bridge.call('read-logs', { source, after: lastNumber, limit: MAX_LOG_LINES }, signal);
      const [first] = lines;
      if (first === undefined) return;
      const lostCount = first.number - lastNumber - 1;
      if (lostCount > 0 && !isJson) terminal.writeError(`corral: ${lostCount} lines came too fast to be shown\n`);
      writeLines(context, lines);
      lastNumber = lines.at(-1)?.number ?? lastNumber;
    } catch (thrown) {
      if (signal.aborted) return;
      if (isNotRunning(thrown)) {
        if (!isJson) terminal.writeError('corral: Corral has ended, and so has its log\n');
        ending.abort();
        return;
      }
      // A connection that broke is tried again by the subscription, whose next update leads back here.
      if (!(thrown instanceof AppError) || thrown.code !== 'upstream-unavailable') throw thrown;
    }
  }
}

/** What events call a log that a user may name by an alias. */
function sourceId({ models }: Snapshot, source: string): string {
  if (source === APP_LOG) return source;
  return models.find(({ id, aliases }) => id === source || aliases.includes(source))?.id ?? source;
}

function writeLines({ terminal, isJson }: VerbContext, lines: readonly LogLine[]): void {
  if (lines.length === 0) return;
  const texts = lines.map((line) =>
    isJson ? JSON.stringify(line) : `${terminal.paint('dim', localTime(line.at))} ${printableLogLine(line.text)}`,
  );
  terminal.write(`${texts.join('\n')}\n`);
}

/** `2026-03-01 09:05:07`, in the time zone of the reader. */
function localTime(at: number): string {
  const time = new Date(at);
  const two = (part: number): string => String(part).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${date} ${[two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(':')}`;
}
