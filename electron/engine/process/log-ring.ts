import type { LogLine } from '#shared/contract/commands.ts';

/** Which lines of a log: the newest `limit` behind line `after` and in front of line `before`. */
export interface LogRange {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface LogRing {
  /** Adds a line and returns its number. */
  append(stream: LogLine['stream'], text: string, at: number): number;
  /** Oldest first. `hasEarlier`: lines of the range are left out, or are no longer kept. */
  read(range: LogRange): { lines: LogLine[]; hasEarlier: boolean };
  lastNumber(): number;
}

/**
 * The last lines of a log, bounded both in lines and in characters, whichever is reached first. Appending is O(1): the
 * ring is an array with a moving start, compacted once half of it is dead.
 */
export function createLogRing({ maxLines, maxCharacters }: { maxLines: number; maxCharacters: number }): LogRing {
  let lines: LogLine[] = [];
  let start = 0;
  let characters = 0;
  let lastNumber = 0;

  function dropOldest(): void {
    characters -= lines[start]?.text.length ?? 0;
    start += 1;
    if (start > 64 && start * 2 > lines.length) {
      lines = lines.slice(start);
      start = 0;
    }
  }

  return {
    append(stream, text, at) {
      lastNumber += 1;
      lines.push({ number: lastNumber, at, stream, text });
      characters += text.length;
      while (lines.length - start > maxLines || (characters > maxCharacters && lines.length - start > 1)) dropOldest();
      return lastNumber;
    },
    read({ after = 0, before = lastNumber + 1, limit }) {
      const firstNumber = lines[start]?.number ?? lastNumber + 1;
      const from = start + Math.max(0, after + 1 - firstNumber);
      const to = Math.min(lines.length, start + Math.max(0, before - firstNumber));
      const selected = lines.slice(Math.max(from, to - limit), to);
      const [first] = selected;
      return { lines: selected, hasEarlier: first !== undefined && first.number > after + 1 };
    },
    lastNumber: () => lastNumber,
  };
}
