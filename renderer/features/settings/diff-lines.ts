export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
  /** From 1: in the new text, or in the old one for a removed line. */
  readonly number: number;
}

/** Beyond this many cells, the middle that differs is shown as removed and added as a whole. */
const MAX_CELLS = 4_000_000;

/** The lines of two texts with what was removed and added: the shortest such list. Removed lines come first. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const left = linesOf(before);
  const right = linesOf(after);
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let tail = 0;
  while (
    tail < left.length - start &&
    tail < right.length - start &&
    left[left.length - 1 - tail] === right[right.length - 1 - tail]
  ) {
    tail += 1;
  }
  const same = (text: string, index: number): DiffLine => ({ kind: 'same', text, number: index + 1 });
  return [
    ...right.slice(0, start).map(same),
    ...diffMiddle(left.slice(start, left.length - tail), right.slice(start, right.length - tail), start),
    ...right.slice(right.length - tail).map((text, index) => same(text, right.length - tail + index)),
  ];
}

function diffMiddle(left: readonly string[], right: readonly string[], offset: number): DiffLine[] {
  const width = right.length + 1;
  const isHuge = (left.length + 1) * width > MAX_CELLS;
  // common[i * width + j]: lines that left from i and right from j have in common.
  const common = new Uint32Array(isHuge ? 0 : (left.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0 && !isHuge; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const [old, fresh] = [left[i], right[j]];
    if (!isHuge && old !== undefined && old === fresh) {
      lines.push({ kind: 'same', text: old, number: offset + j + 1 });
      i += 1;
      j += 1;
    } else if (old !== undefined && (fresh === undefined || isHuge || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'removed', text: old, number: offset + i + 1 });
      i += 1;
    } else {
      lines.push({ kind: 'added', text: fresh ?? '', number: offset + j + 1 });
      j += 1;
    }
  }
  return lines;
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n/);
  // What follows the last line break is no line of its own.
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** The changed lines with some lines around them; what lies between is left out. */
export function pickHunks(lines: readonly DiffLine[], contextLines: number): readonly (readonly DiffLine[])[] {
  const hunks: DiffLine[][] = [];
  let lastKept = -2;
  lines.forEach((line, index) => {
    const from = Math.max(0, index - contextLines);
    const isNear = lines.slice(from, index + contextLines + 1).some(({ kind }) => kind !== 'same');
    if (!isNear) return;
    if (lastKept === index - 1) hunks.at(-1)?.push(line);
    else hunks.push([line]);
    lastKept = index;
  });
  return hunks;
}
