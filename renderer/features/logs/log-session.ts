import type { Bridge } from '#shared/contract/bridge.ts';
import type { AppError } from '#shared/contract/errors.ts';
import { createLogBuffer, type BufferedLine, type LogBuffer } from './log-buffer.ts';
import { createLogFollower, type LogFollower } from './log-follower.ts';
import { createLogIndex, type LogFilter, type LogIndex } from './log-index.ts';

/** One log on screen: its lines, what of them is shown, and the fetching, outside of React's state. */
export interface LogSession {
  readonly buffer: Pick<LogBuffer, 'length' | 'beginning' | 'lastNumber'>;
  readonly index: Pick<LogIndex, 'length' | 'lineAt' | 'indexOf' | 'matchCount' | 'matchIndexOf' | 'nextMatch'>;
  /** Begins to fetch; returns the function that ends it. */
  open(): () => void;
  poke(): void;
  loadEarlier(): void;
  setFilter(filter: LogFilter): void;
  setQuery(query: string): void;
  isSearching(): boolean;
  error(): AppError | undefined;
  hasAnswer(): boolean;
  subscribe(listener: () => void): () => void;
  /** Changes with everything that is shown. */
  revision(): number;
}

const MAX_LINES = 100_000;

export function createLogSession(bridge: Bridge, source: string): LogSession {
  const buffer = createLogBuffer({ maxLines: MAX_LINES });
  const index = createLogIndex(buffer);
  const listeners = new Set<() => void>();
  let follower: LogFollower | undefined;
  let searchTimer: ReturnType<typeof setTimeout> | undefined;
  let revision = 0;

  function announce(): void {
    revision += 1;
    for (const listener of listeners) listener();
  }

  function searchOn(): void {
    searchTimer ??= setTimeout(() => {
      searchTimer = undefined;
      if (index.searchSome()) searchOn();
      announce();
    }, 0);
  }

  function onChange(): void {
    index.sync();
    searchOn();
    announce();
  }

  return {
    buffer,
    index,
    open() {
      const opened = createLogFollower({ bridge, source, buffer, onChange });
      follower = opened;
      return () => {
        clearTimeout(searchTimer);
        searchTimer = undefined;
        opened.close();
      };
    },
    poke: () => follower?.poke(),
    loadEarlier: () => void follower?.loadEarlier(),
    setFilter(filter) {
      index.setFilter(filter);
      searchOn();
      announce();
    },
    setQuery(query) {
      index.setQuery(query);
      searchOn();
      announce();
    },
    isSearching: () => searchTimer !== undefined,
    error: () => follower?.error(),
    hasAnswer: () => follower?.hasAnswer() === true,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    revision: () => revision,
  };
}

/** Lines as text for the clipboard. */
export function formatLines(lines: readonly BufferedLine[], hasTime: boolean): string {
  return lines.map(({ at, text }) => (hasTime ? `${formatLineTime(at)} ${text}` : text)).join('\n');
}

/** `14:03:07.042`, in the time zone of whoever reads it. */
export function formatLineTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
