import type { BufferedLine, LogBuffer } from './log-buffer.ts';

export interface LogFilter {
  /** Warnings and errors alone. */
  readonly isProblemsOnly: boolean;
  /** Lines up to this number are not shown: the view was cleared there. */
  readonly clearedUpTo: number;
}

export interface LogIndex {
  /** Takes in what became of the buffer. Costs what is new, not what is there. */
  sync(): void;
  setFilter(filter: LogFilter): void;
  /** Lines that hold this text, whatever the case; empty ends the search. */
  setQuery(query: string): void;
  /** Searches for some milliseconds at most; true while there is more to search. */
  searchSome(): boolean;
  length(): number;
  lineAt(index: number): BufferedLine | undefined;
  /** Where the line of this number is, or the first one behind it. */
  indexOf(number: number): number;
  matchCount(): number;
  /** The place of this line among those that match, from 0; -1 if it does not. */
  matchIndexOf(number: number): number;
  /** The number of the line that matches next after (or before) this one, around the end; undefined without any. */
  nextMatch(number: number, direction: 1 | -1): number | undefined;
}

/** So many characters are searched at a time: some milliseconds on a slow machine. */
const SEARCH_CHARACTERS = 400_000;

/** What of a buffer is shown, and where in it a text is. */
export function createLogIndex(buffer: LogBuffer): LogIndex {
  let filter: LogFilter = { isProblemsOnly: false, clearedUpTo: 0 };
  let shown: BufferedLine[] = [];
  let start = 0;
  /** The numbers that were taken in: from the first to the last. */
  let first = 0;
  let last = 0;
  let needle: RegExp | undefined;
  let matches: number[] = [];
  let searchedTo = 0;

  const isShown = ({ level, number }: BufferedLine): boolean =>
    number > filter.clearedUpTo && !(filter.isProblemsOnly && level === 'normal');
  const length = (): number => shown.length - start;
  const lineAt = (index: number): BufferedLine | undefined => (index < 0 ? undefined : shown[start + index]);
  const indexOf = (number: number): number => lowerBound(length(), (index) => (lineAt(index)?.number ?? 0) < number);

  function rebuild(): void {
    shown = [];
    start = 0;
    first = 0;
    last = 0;
    restartSearch();
  }

  function restartSearch(): void {
    matches = [];
    searchedTo = 0;
  }

  function takeNewer(): void {
    const size = buffer.length();
    const from = lowerBound(size, (index) => (buffer.lineAt(index)?.number ?? 0) <= last);
    for (let index = from; index < size; index += 1) {
      const line = buffer.lineAt(index);
      if (line !== undefined && isShown(line)) shown.push(line);
    }
  }

  function takeEarlier(): void {
    const earlier: BufferedLine[] = [];
    for (let index = 0; ; index += 1) {
      const line = buffer.lineAt(index);
      if (line === undefined || line.number >= first) break;
      if (isShown(line)) earlier.push(line);
    }
    if (earlier.length === 0) return;
    shown = [...earlier, ...shown.slice(start)];
    start = 0;
    restartSearch();
  }

  function dropGone(bufferFirst: number): void {
    const gone = lowerBound(length(), (index) => (lineAt(index)?.number ?? 0) < bufferFirst);
    start += gone;
    if (start * 2 > shown.length) {
      shown = shown.slice(start);
      start = 0;
    }
    const goneMatches = lowerBound(matches.length, (index) => (matches[index] ?? 0) < bufferFirst);
    if (goneMatches > 0) matches = matches.slice(goneMatches);
  }

  function sync(): void {
    const bufferFirst = buffer.firstNumber();
    if (bufferFirst === 0) return;
    if (first !== 0 && bufferFirst > first) dropGone(bufferFirst);
    if (first !== 0 && bufferFirst < first) takeEarlier();
    takeNewer();
    first = bufferFirst;
    last = buffer.lastNumber();
  }

  return {
    sync,
    setFilter(next) {
      if (next.isProblemsOnly === filter.isProblemsOnly && next.clearedUpTo === filter.clearedUpTo) return;
      filter = next;
      rebuild();
      sync();
    },
    setQuery(query) {
      needle = query === '' ? undefined : createNeedle(query);
      restartSearch();
    },
    searchSome() {
      if (needle === undefined) return false;
      let characters = 0;
      for (let index = indexOf(searchedTo + 1); ; index += 1) {
        const line = lineAt(index);
        if (line === undefined) return false;
        if (characters > SEARCH_CHARACTERS) return true;
        characters += line.text.length + 1;
        if (needle.test(line.text)) matches.push(line.number);
        searchedTo = line.number;
      }
    },
    length,
    lineAt,
    indexOf,
    matchCount: () => matches.length,
    matchIndexOf(number) {
      const index = lowerBound(matches.length, (each) => (matches[each] ?? 0) < number);
      return matches[index] === number ? index : -1;
    },
    nextMatch(number, direction) {
      if (direction === 1) {
        const index = lowerBound(matches.length, (each) => (matches[each] ?? 0) <= number);
        return matches[index] ?? matches[0];
      }
      const index = lowerBound(matches.length, (each) => (matches[each] ?? 0) < number);
      return matches[index - 1] ?? matches.at(-1);
    },
  };
}

/** What is typed, as text: none of its characters means anything but itself. */
export function createNeedle(query: string, flags = 'i'): RegExp {
  return new RegExp(query.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`), flags);
}

/** The first index that is no longer `isBefore`, which must be true up to it and false from it on. */
function lowerBound(length: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
