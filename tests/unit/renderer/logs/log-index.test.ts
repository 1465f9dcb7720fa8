import { describe, expect, test } from 'vitest';
import type { LogLine } from '#shared/contract/commands.ts';
import { createLogBuffer } from '../../../../renderer/features/logs/log-buffer.ts';
import { createLogIndex, createNeedle, type LogIndex } from '../../../../renderer/features/logs/log-index.ts';

const everything = { isProblemsOnly: false, clearedUpTo: 0 };
const lines = (from: number, texts: readonly string[]): LogLine[] =>
  texts.map((text, index) => ({ number: from + index, at: 0, stream: 'stderr', text }));
const shown = (index: LogIndex): number[] =>
  Array.from({ length: index.length() }, (_, at) => index.lineAt(at)!.number);

function searchAll(index: LogIndex): void {
  while (index.searchSome());
}

function indexOver(texts: readonly string[], { from = 1, maxLines = 1000 } = {}) {
  const buffer = createLogBuffer({ maxLines });
  buffer.append(lines(from, texts));
  const index = createLogIndex(buffer);
  index.sync();
  return { buffer, index };
}

describe('what of a log is shown', () => {
  test('only warnings and errors, of what is there and of what comes', () => {
    const { buffer, index } = indexOver(['hello', 'error: no', 'fine']);
    index.setFilter({ isProblemsOnly: true, clearedUpTo: 0 });
    expect(shown(index)).toEqual([2]);
    buffer.append(lines(4, ['warning: old flag', 'ok']));
    index.sync();
    expect(shown(index)).toEqual([2, 4]);
    index.setFilter(everything);
    expect(shown(index)).toEqual([1, 2, 3, 4, 5]);
  });

  test('nothing from before the view was cleared, and all of it again afterwards', () => {
    const { buffer, index } = indexOver(['a', 'b']);
    index.setFilter({ isProblemsOnly: false, clearedUpTo: 2 });
    expect(shown(index)).toEqual([]);
    buffer.append(lines(3, ['c']));
    index.sync();
    expect(shown(index)).toEqual([3]);
    index.setFilter(everything);
    expect(shown(index)).toEqual([1, 2, 3]);
  });

  test('follows what the buffer drops and what it takes in front', () => {
    const { buffer, index } = indexOver(['a', 'b', 'c'], { from: 10, maxLines: 4 });
    buffer.prepend(lines(8, ['x', 'y']));
    index.sync();
    expect(shown(index)).toEqual([9, 10, 11, 12]);
    buffer.append(lines(13, ['d', 'e', 'f']));
    index.sync();
    expect(shown(index)).toEqual([12, 13, 14, 15]);
    expect(index.indexOf(14)).toBe(2);
    expect(index.indexOf(3)).toBe(0);
  });
});

describe('search', () => {
  test('finds a text whatever its case, and nothing in it means anything but itself', () => {
    const { index } = indexOver(['Load (model)', 'load model', 'unLOAD (MODEL) now', 'loadX(model)']);
    index.setQuery('load (model');
    searchAll(index);
    expect(index.matchCount()).toBe(2);
    expect(index.nextMatch(1, 1)).toBe(3);
    expect(createNeedle('a.b').test('aXb')).toBe(false);
  });

  test('goes around at both ends', () => {
    const { index } = indexOver(['hit', 'no', 'hit', 'hit']);
    index.setQuery('hit');
    searchAll(index);
    expect(index.nextMatch(4, 1)).toBe(1);
    expect(index.nextMatch(1, -1)).toBe(4);
    expect(index.nextMatch(2, -1)).toBe(1);
    expect(index.matchIndexOf(3)).toBe(1);
    expect(index.matchIndexOf(2)).toBe(-1);
  });

  test('finds what comes later, forgets what was dropped, and looks through earlier lines too', () => {
    const { buffer, index } = indexOver(['hit', 'no', 'hit'], { from: 10, maxLines: 5 });
    index.setQuery('hit');
    searchAll(index);
    buffer.append(lines(13, ['hit', 'hit', 'no']));
    index.sync();
    searchAll(index);
    expect([index.matchCount(), index.nextMatch(0, 1)]).toEqual([3, 12]);

    const other = indexOver(['hit'], { from: 10 });
    other.index.setQuery('hit');
    searchAll(other.index);
    other.buffer.prepend(lines(8, ['hit', 'no']));
    other.index.sync();
    searchAll(other.index);
    expect([other.index.matchCount(), other.index.nextMatch(0, 1)]).toEqual([2, 8]);
  });

  test('looks only through what is shown', () => {
    const { index } = indexOver(['hit', 'error hit']);
    index.setQuery('hit');
    index.setFilter({ isProblemsOnly: true, clearedUpTo: 0 });
    searchAll(index);
    expect([index.matchCount(), index.nextMatch(0, 1)]).toEqual([1, 2]);
  });

  test('a long log is searched in portions', () => {
    const { index } = indexOver(Array.from({ length: 900 }, (_, at) => `${'x'.repeat(1000)} ${at}`));
    index.setQuery('x');
    expect(index.searchSome()).toBe(true);
    const first = index.matchCount();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(900);
    searchAll(index);
    expect(index.matchCount()).toBe(900);
  });

  test('an empty query matches nothing', () => {
    const { index } = indexOver(['a']);
    index.setQuery('');
    expect(index.searchSome()).toBe(false);
    expect([index.matchCount(), index.nextMatch(0, 1)]).toEqual([0, undefined]);
  });
});
