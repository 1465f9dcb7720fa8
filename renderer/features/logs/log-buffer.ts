import type { LogLine } from '#shared/contract/commands.ts';
import { judgeLevel, type LogLevel } from './log-level.ts';

export interface BufferedLine extends LogLine {
  readonly level: LogLevel;
  /** More than 0: the line stands for so many that are not there, and its number is that of the last of them. */
  readonly missing: number;
}

export interface LogBuffer {
  /** Adds newer lines, in rising order; those that are here already are left out. Where numbers are left out, a line says so. */
  append(lines: readonly LogLine[]): void;
  /** Adds earlier lines, in rising order, as far as there is room: the newest are kept. */
  prepend(lines: readonly LogLine[]): void;
  /** Nothing earlier can be had any more. */
  setExhausted(): void;
  length(): number;
  lineAt(index: number): BufferedLine | undefined;
  /** 0 when empty. */
  firstNumber(): number;
  /** 0 when empty. */
  lastNumber(): number;
  /**
   * What comes before the first line: `whole`: nothing, the log starts here; `more`: lines that may be fetched; `lost`:
   * lines that are not kept in memory.
   */
  beginning(): 'whole' | 'more' | 'lost';
}

/** The lines of one log as a window keeps them: bounded, oldest first, each number once. Knows nothing of who fetches them. */
export function createLogBuffer({ maxLines }: { readonly maxLines: number }): LogBuffer {
  let lines: BufferedLine[] = [];
  /** What lies before it is dead; it is cut off once that is worth the copying. */
  let start = 0;
  let isExhausted = false;

  const length = (): number => lines.length - start;
  const firstNumber = (): number => {
    const first = lines[start];
    return first === undefined ? 0 : first.number - Math.max(0, first.missing - 1);
  };
  const lastNumber = (): number => lines.at(-1)?.number ?? 0;

  function dropOldest(): void {
    const surplus = length() - maxLines;
    if (surplus <= 0) return;
    start += surplus;
    isExhausted = true;
    if (start * 2 > lines.length) {
      lines = lines.slice(start);
      start = 0;
    }
  }

  return {
    append(added) {
      for (const line of added) {
        const last = lastNumber();
        if (line.number <= last) continue;
        if (length() > 0 && line.number > last + 1) lines.push(gapBefore(line, line.number - last - 1));
        lines.push(toBuffered(line));
      }
      dropOldest();
    },
    prepend(added) {
      const first = firstNumber();
      if (first === 0) return;
      const earlier = added.filter(({ number }) => number < first).map(toBuffered);
      const lastEarlier = earlier.at(-1);
      if (lastEarlier === undefined) return;
      const next = lines[start];
      if (next !== undefined && lastEarlier.number < first - 1)
        earlier.push(gapBefore(next, first - 1 - lastEarlier.number));
      const room = Math.max(0, maxLines - length());
      if (earlier.length > room) isExhausted = true;
      lines = [...earlier.slice(Math.max(0, earlier.length - room)), ...lines.slice(start)];
      start = 0;
    },
    setExhausted() {
      isExhausted = true;
    },
    length,
    lineAt: (index) => (index < 0 ? undefined : lines[start + index]),
    firstNumber,
    lastNumber,
    beginning: () => (firstNumber() <= 1 ? 'whole' : isExhausted ? 'lost' : 'more'),
  };
}

function toBuffered(line: LogLine): BufferedLine {
  return { ...line, level: judgeLevel(line), missing: 0 };
}

function gapBefore({ number, at }: LogLine, missing: number): BufferedLine {
  const what = missing === 1 ? '1 line' : `${missing} lines`;
  const text = `[${what} came too fast to be shown; Corral’s log files have ${missing === 1 ? 'it' : 'them'}]`;
  return { number: number - 1, at, stream: 'corral', text, level: 'warning', missing };
}
