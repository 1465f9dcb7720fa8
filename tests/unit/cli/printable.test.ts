import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  displayWidth,
  fitToColumns,
  printable,
  printableLines,
  printableLogLine,
} from '../../../electron/cli/printable.ts';

describe('printable', () => {
  it.each([
    ['qwen3:8b/Q4', 'qwen3:8b/Q4'],
    ['a\u001b]0;title\u0007b', 'a\\x1b]0;title\\x07b'],
    ['two\nlines\r', 'two\\x0alines\\x0d'],
    ['\u009b31m', '\\x9b31m'],
    ['gpj\u202eexe', 'gpj\\u202eexe'],
    ['naïve 千问 🦙', 'naïve 千问 🦙'],
  ])('writes %j as %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('leaves no control character, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it('keeps the lines of a message', () => {
    expect(printableLines('one\r\ntwo\u0007\n  three')).toBe('one\ntwo\\x07\n  three');
  });

  it('drops the colours of a log line and keeps its tabs', () => {
    expect(printableLogLine('\u001b[32mI\u001b[0m\tready\u0008')).toBe('I\tready\\x08');
  });
});

describe('fitToColumns', () => {
  it('cuts what is too long and says so', () => {
    expect(fitToColumns('loading', 7)).toBe('loading');
    expect(fitToColumns('loading', 5)).toBe('load…');
    expect(fitToColumns('千问千问', 6)).toBe('千问…');
  });

  it('never exceeds the columns', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
        expect(displayWidth(fitToColumns(printable(text), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
