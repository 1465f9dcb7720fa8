import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogLine } from '#shared/contract/commands.ts';
import { createLogBuffer, type LogBuffer } from '../../../../renderer/features/logs/log-buffer.ts';

const line = (number: number, text = `line ${number}`): LogLine => ({
  number,
  at: 1000 + number,
  stream: 'stderr',
  text,
});
const range = (from: number, to: number): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
const numbers = (buffer: LogBuffer): number[] =>
  Array.from({ length: buffer.length() }, (_, index) => buffer.lineAt(index)!.number);

describe('a log buffer', () => {
  test('keeps each line once, however often it is delivered', () => {
    const buffer = createLogBuffer({ maxLines: 100 });
    buffer.append(range(1, 5));
    buffer.append(range(3, 8));
    expect(numbers(buffer)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(buffer.beginning()).toBe('whole');
  });

  test('says how many lines are not there, in the place where they are missing', () => {
    const buffer = createLogBuffer({ maxLines: 100 });
    buffer.append(range(1, 2));
    buffer.append(range(10, 11));
    expect(numbers(buffer)).toEqual([1, 2, 9, 10, 11]);
    expect(buffer.lineAt(2)).toMatchObject({ missing: 7, stream: 'corral' });
    expect(buffer.lineAt(2)?.text).toContain('7 lines');
  });

  test('does not call what came before the first fetch missing', () => {
    const buffer = createLogBuffer({ maxLines: 100 });
    buffer.append(range(500, 502));
    expect(numbers(buffer)).toEqual([500, 501, 502]);
    expect(buffer.beginning()).toBe('more');
  });

  test('takes earlier lines in front, without those it has', () => {
    const buffer = createLogBuffer({ maxLines: 100 });
    buffer.append(range(50, 52));
    buffer.prepend(range(40, 51));
    expect(numbers(buffer)).toEqual(range(40, 52).map(({ number }) => number));
    buffer.prepend(range(1, 39));
    expect(buffer.beginning()).toBe('whole');
  });

  test('drops the oldest when it is full, and knows that they cannot be had again', () => {
    const buffer = createLogBuffer({ maxLines: 10 });
    for (let first = 1; first <= 91; first += 10) buffer.append(range(first, first + 9));
    expect(numbers(buffer)).toEqual(range(91, 100).map(({ number }) => number));
    expect(buffer.beginning()).toBe('lost');
    expect(buffer.firstNumber()).toBe(91);
  });

  test('never lets earlier lines push out newer ones', () => {
    const buffer = createLogBuffer({ maxLines: 10 });
    buffer.append(range(50, 55));
    buffer.prepend(range(30, 49));
    expect(numbers(buffer)).toEqual(range(46, 55).map(({ number }) => number));
    expect(buffer.beginning()).toBe('lost');
  });

  test('knows where nothing earlier is kept', () => {
    const buffer = createLogBuffer({ maxLines: 10 });
    buffer.append(range(50, 55));
    buffer.setExhausted();
    expect(buffer.beginning()).toBe('lost');
  });

  test('whatever arrives in whatever order: numbers rise, none is doubled, gaps are told to the line', () => {
    const step = fc.record({
      isAppend: fc.boolean(),
      from: fc.integer({ min: 1, max: 60 }),
      size: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const buffer = createLogBuffer({ maxLines: 20 });
        for (const { isAppend, from, size } of steps) {
          const lines = range(from, from + size - 1);
          if (isAppend) buffer.append(lines);
          else buffer.prepend(lines);
        }
        expect(buffer.length()).toBeLessThanOrEqual(20);
        let expected = buffer.firstNumber();
        for (let index = 0; index < buffer.length(); index += 1) {
          const { number, missing } = buffer.lineAt(index)!;
          expected += Math.max(0, missing - 1);
          expect(number).toBe(expected);
          expected += 1;
        }
      }),
    );
  });
});
