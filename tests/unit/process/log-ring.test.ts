import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogRing } from '../../../electron/engine/process/log-ring.ts';

/** The same as the ring, the obvious way. */
function createNaiveRing({ maxLines, maxCharacters }: { maxLines: number; maxCharacters: number }) {
  let kept: { number: number; text: string }[] = [];
  let lastNumber = 0;
  return {
    append(text: string) {
      lastNumber += 1;
      kept.push({ number: lastNumber, text });
      const characters = (): number => kept.reduce((sum, line) => sum + line.text.length, 0);
      while (kept.length > maxLines || (characters() > maxCharacters && kept.length > 1)) kept = kept.slice(1);
    },
    read(after: number, limit: number) {
      const newer = kept.filter((line) => line.number > after);
      const lines = newer.slice(-limit);
      const wantedFrom = after + 1;
      return {
        numbers: lines.map((line) => line.number),
        hasEarlier: lines.length > 0 && (lines[0]?.number ?? 0) > wantedFrom,
      };
    },
  };
}

describe('the log ring', () => {
  it('numbers lines from 1 and reads them oldest first', () => {
    const ring = createLogRing({ maxLines: 10, maxCharacters: 1000 });
    expect(ring.append('stdout', 'one', 5)).toBe(1);
    expect(ring.append('stderr', 'two', 6)).toBe(2);
    expect(ring.read({ after: 0, limit: 10 })).toEqual({
      lines: [
        { number: 1, at: 5, stream: 'stdout', text: 'one' },
        { number: 2, at: 6, stream: 'stderr', text: 'two' },
      ],
      hasEarlier: false,
    });
    expect(ring.lastNumber()).toBe(2);
  });

  it('says nothing of a log that nobody wrote to', () => {
    const ring = createLogRing({ maxLines: 10, maxCharacters: 1000 });
    expect(ring.read({ after: 0, limit: 10 })).toEqual({ lines: [], hasEarlier: false });
    expect(ring.lastNumber()).toBe(0);
  });

  it.each([
    { name: 'all from the start', after: 0, limit: 100, numbers: [6, 7, 8, 9, 10], hasEarlier: true },
    { name: 'the newest two', after: 0, limit: 2, numbers: [9, 10], hasEarlier: true },
    { name: 'after a line that is kept', after: 7, limit: 100, numbers: [8, 9, 10], hasEarlier: false },
    { name: 'after a line that is kept, with a limit', after: 7, limit: 1, numbers: [10], hasEarlier: true },
    { name: 'after a line that was dropped', after: 2, limit: 100, numbers: [6, 7, 8, 9, 10], hasEarlier: true },
    { name: 'after the line before the oldest', after: 5, limit: 100, numbers: [6, 7, 8, 9, 10], hasEarlier: false },
    { name: 'after the newest', after: 10, limit: 100, numbers: [], hasEarlier: false },
    { name: 'after a line that is still to come', after: 50, limit: 100, numbers: [], hasEarlier: false },
  ])('reads $name', ({ after, limit, numbers, hasEarlier }) => {
    const ring = createLogRing({ maxLines: 5, maxCharacters: 1000 });
    for (let line = 1; line <= 10; line += 1) ring.append('stdout', `line ${line}`, line);
    const answer = ring.read({ after, limit });
    expect(answer.lines.map((line) => line.number)).toEqual(numbers);
    expect(answer.hasEarlier).toBe(hasEarlier);
  });

  it('keeps a single line that is longer than all it may hold', () => {
    const ring = createLogRing({ maxLines: 5, maxCharacters: 10 });
    ring.append('stdout', 'short', 0);
    ring.append('stdout', 'x'.repeat(50), 0);
    expect(ring.read({ after: 0, limit: 5 }).lines.map((line) => line.number)).toEqual([2]);
    ring.append('stdout', 'next', 0);
    expect(ring.read({ after: 0, limit: 5 }).lines.map((line) => line.number)).toEqual([3]);
  });

  it('holds what a naive list holds, whatever is written and read', () => {
    const appends = fc.array(fc.string({ maxLength: 30 }), { maxLength: 400 });
    const bounds = fc.record({
      maxLines: fc.integer({ min: 1, max: 200 }),
      maxCharacters: fc.integer({ min: 1, max: 2000 }),
    });
    const reads = fc.array(fc.tuple(fc.nat(450), fc.integer({ min: 1, max: 450 })), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(bounds, appends, reads, (limits, texts, questions) => {
        const ring = createLogRing(limits);
        const naive = createNaiveRing(limits);
        for (const text of texts) {
          ring.append('stdout', text, 0);
          naive.append(text);
        }
        for (const [after, limit] of questions) {
          const { lines, hasEarlier } = ring.read({ after, limit });
          expect({ numbers: lines.map((line) => line.number), hasEarlier }).toEqual(naive.read(after, limit));
          expect(lines.map((line) => line.text)).toEqual(lines.map((line) => texts[line.number - 1]));
        }
      }),
      { numRuns: 200 },
    );
  });
});
