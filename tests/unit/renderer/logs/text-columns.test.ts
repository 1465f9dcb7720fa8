import { expect, test } from 'vitest';
import { countColumns, countRows } from '../../../../renderer/features/logs/text-columns.ts';

test('what number, time and padding leave of the width is for the text', () => {
  expect(countColumns(800, 8, false)).toBe(Math.floor((800 - 7 * 8 - 20 - 12) / 8));
  expect(countColumns(800, 8, true)).toBe(Math.floor((800 - 7 * 8 - 20 - 12 * 8 - 12 - 12) / 8));
  expect(countColumns(10, 8, true)).toBe(1);
});

test.each([
  [0, 80, 1],
  [80, 80, 1],
  [81, 80, 2],
  [800, 80, 10],
  [800, undefined, 1],
])('%s characters in %s columns take %s rows', (characters, columns, rows) => {
  expect(countRows(characters, columns)).toBe(rows);
});
