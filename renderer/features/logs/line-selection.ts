import type { BufferedLine } from './log-buffer.ts';
import type { LogIndex } from './log-index.ts';

/** Whole lines that are chosen, from the one where it began to the one where it is now, by number. Pure. */
export interface LineSelection {
  readonly anchor: number;
  readonly head: number;
}

type Lines = Pick<LogIndex, 'length' | 'lineAt' | 'indexOf'>;

export function isSelected({ anchor, head }: LineSelection, number: number): boolean {
  return number >= Math.min(anchor, head) && number <= Math.max(anchor, head);
}

export function selectAll(lines: Lines): LineSelection | undefined {
  const first = lines.lineAt(0);
  const last = lines.lineAt(lines.length() - 1);
  return first === undefined || last === undefined ? undefined : { anchor: first.number, head: last.number };
}

/** Its moving end goes a line on; without a selection it begins with `start`. */
export function extendSelection(
  selection: LineSelection | undefined,
  lines: Lines,
  step: 1 | -1,
  start: number,
): LineSelection | undefined {
  if (selection === undefined) {
    const first = lines.lineAt(lines.indexOf(start));
    return first === undefined ? undefined : { anchor: first.number, head: first.number };
  }
  const next = lines.lineAt(lines.indexOf(selection.head) + step);
  return next === undefined ? selection : { anchor: selection.anchor, head: next.number };
}

/** The lines of a selection that are shown, or all that are. */
export function linesOf(lines: Lines, selection: LineSelection | undefined): BufferedLine[] {
  const from = selection === undefined ? 0 : lines.indexOf(Math.min(selection.anchor, selection.head));
  const to = selection === undefined ? lines.length() : lines.indexOf(Math.max(selection.anchor, selection.head) + 1);
  const found: BufferedLine[] = [];
  for (let index = from; index < to; index += 1) {
    const line = lines.lineAt(index);
    if (line !== undefined) found.push(line);
  }
  return found;
}
