import type { Bridge } from '#shared/contract/bridge.ts';
import type { LogLine } from '#shared/contract/commands.ts';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import type { LogBuffer } from './log-buffer.ts';

export interface LogFollower {
  /** There may be more: what is new is fetched, now or with what comes within a tenth of a second. */
  poke(): void;
  /** Fetches lines from before the first; does nothing while that is under way or where there are none. */
  loadEarlier(): Promise<void>;
  /** Why the last attempt failed; undefined once one succeeded. */
  error(): AppError | undefined;
  /** True once the first answer was there. */
  hasAnswer(): boolean;
  close(): void;
}

/** A person reads no faster, and a flood of lines costs ten fetches a second, not one each. */
const MIN_INTERVAL_MS = 100;
/** An answer of this many lines is read and shown well within a frame or two. */
const BATCH_LINES = 2000;
/** What came while nobody looked may be more than a batch; more of them than this is what memory does not hold anyway. */
const MAX_BATCHES = 6;

/** Keeps a buffer in step with a log. `onChange` is called whenever the buffer or the error changed. */
export function createLogFollower(options: {
  readonly bridge: Bridge;
  readonly source: string;
  readonly buffer: LogBuffer;
  onChange(): void;
}): LogFollower {
  const { bridge, source, buffer, onChange } = options;
  const closing = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isFetching = false;
  let isPoked = false;
  let isLoadingEarlier = false;
  let error: AppError | undefined;
  let hasAnswer = false;

  async function read(after: number, before: number | undefined): Promise<LogLine[]> {
    const range = before === undefined ? { after } : { after, before };
    const { lines } = await bridge.call('read-logs', { source, limit: BATCH_LINES, ...range }, closing.signal);
    return lines;
  }

  /** The answer holds the newest lines of a range, so what is between them and ours is fetched backwards. */
  async function fetchNewer(): Promise<void> {
    const last = buffer.lastNumber();
    let found = await read(last, undefined);
    for (let batch = 1; last > 0 && batch < MAX_BATCHES; batch += 1) {
      const first = found[0]?.number ?? 0;
      if (first <= last + 1) break;
      const between = await read(last, first);
      if (between.length === 0) break;
      found = [...between, ...found];
    }
    buffer.append(found);
  }

  async function attempt(fetch: () => Promise<void>): Promise<void> {
    try {
      await fetch();
      error = undefined;
      hasAnswer = true;
    } catch (thrown) {
      if (!closing.signal.aborted) error = toAppError(thrown);
    }
    if (!closing.signal.aborted) onChange();
  }

  async function follow(): Promise<void> {
    isFetching = true;
    isPoked = false;
    await attempt(fetchNewer);
    isFetching = false;
    if (closing.signal.aborted) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (isPoked) void follow();
    }, MIN_INTERVAL_MS);
  }

  return {
    poke() {
      if (closing.signal.aborted) return;
      isPoked = true;
      if (!isFetching && timer === undefined) void follow();
    },
    async loadEarlier() {
      if (isLoadingEarlier || closing.signal.aborted || buffer.beginning() !== 'more') return;
      isLoadingEarlier = true;
      await attempt(async () => {
        const first = buffer.firstNumber();
        const lines = (await read(0, first)).filter(({ number }) => number < first);
        if (lines.length === 0) buffer.setExhausted();
        else buffer.prepend(lines);
      });
      isLoadingEarlier = false;
    },
    error: () => error,
    hasAnswer: () => hasAnswer,
    close() {
      clearTimeout(timer);
      closing.abort();
    },
  };
}
