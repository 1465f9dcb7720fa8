import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineIntake, sanitiseLine } from '../../../electron/engine/process/line-intake.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

function createSubject() {
  const clock = createFakeClock();
  const lines: string[] = [];
  const intake = createLineIntake(clock, (text) => lines.push(text));
  return { clock, lines, intake, push: (text: string) => intake.push(Buffer.from(text)) };
}

const secondOfOutput = 256 * 1024;

describe('lines of a child', () => {
  it('come out at their ends, and the last one at the end of the stream', () => {
    const { lines, intake, push } = createSubject();
    push('one\ntw');
    expect(lines).toEqual(['one']);
    push('o\nthree');
    expect(lines).toEqual(['one', 'two']);
    intake.end();
    intake.end();
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  it('keep empty lines and lose the carriage return of CRLF, wherever it is cut', () => {
    const { lines, push } = createSubject();
    push('one\r');
    push('\n\r\n\n');
    push('two\r\n');
    expect(lines).toEqual(['one', '', '', 'two']);
  });

  it('are the same wherever their bytes are cut in two', () => {
    const bytes = Buffer.from('grüße\n日本語のモデル\n🦙 llama 🐫\nplain\n');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { lines, intake } = createSubject();
      intake.push(bytes.subarray(0, cut));
      intake.push(bytes.subarray(cut));
      expect(lines, `cut at byte ${cut}`).toEqual(['grüße', '日本語のモデル', '🦙 llama 🐫', 'plain']);
    }
  });

  it('are the same in pieces of any size', () => {
    const text = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 50 }), (parts, sizes) => {
        const bytes = Buffer.from(parts.join('\n'));
        const whole = createSubject();
        whole.intake.push(bytes);
        whole.intake.end();
        const pieces = createSubject();
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.intake.push(bytes.subarray(at, at + size));
          at += size;
        }
        pieces.intake.end();
        expect(pieces.lines).toEqual(whole.lines);
      }),
    );
  });

  it('that are too long are cut, and the line after them is whole', () => {
    const { lines, push } = createSubject();
    for (let piece = 0; piece < 30; piece += 1) push('x'.repeat(1000));
    push('rest\nnext\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^x{8192}…$/);
    expect(lines[1]).toBe('next');
  });

  it('that are too long are cut the same when they come at once', () => {
    const { lines, push } = createSubject();
    push(`${'x'.repeat(30_000)}\nnext\n`);
    expect(lines).toEqual([`${'x'.repeat(8192)}…`, 'next']);
  });
});

describe('a flood', () => {
  it('is counted instead of kept, and what follows is kept again from a whole line on', () => {
    const { clock, lines, push } = createSubject();
    const chunk = `${'flood '.repeat(170)}\n`.repeat(64);
    for (let sent = 0; sent < 10 * secondOfOutput; sent += chunk.length) push(chunk);
    const kept = lines.length;
    expect((kept * chunk.length) / 64).toBeLessThanOrEqual(secondOfOutput);
    clock.advance(1000);
    push('half of a line whose start is gone\nwhole\n');
    const [notice, ...rest] = lines.slice(kept);
    expect(notice).toMatch(/left out \d+ bytes/);
    expect(Number(/\d+/.exec(notice ?? '')?.[0])).toBeGreaterThan(8 * secondOfOutput);
    expect(rest).toEqual(['whole']);
  });

  it('is told of to who reads, who may take it slowly', () => {
    const { clock, intake } = createSubject();
    expect(intake.push(Buffer.alloc(secondOfOutput, 'x'))).toBe(false);
    expect(intake.push(Buffer.from('more\n'))).toBe(true);
    clock.advance(1000);
    expect(intake.push(Buffer.from('calm\n'))).toBe(false);
  });

  it('is told of at the end if nothing follows', () => {
    const { lines, intake } = createSubject();
    intake.push(Buffer.alloc(secondOfOutput + 1, 'x'));
    expect(lines).toEqual([]);
    intake.end();
    expect(lines).toEqual([expect.stringMatching(new RegExp(`left out ${secondOfOutput + 1} bytes`))]);
  });

  it('that stops in the middle of a character spoils nothing after it', () => {
    const { clock, lines, intake, push } = createSubject();
    intake.push(Buffer.from('ü').subarray(0, 1));
    intake.push(Buffer.alloc(secondOfOutput, 'x'));
    clock.advance(1000);
    push('gone\nüber\n');
    expect(lines.at(-1)).toBe('über');
  });

  it('does not count against a slow child: a second starts anew', () => {
    const { clock, lines, push } = createSubject();
    for (let second = 0; second < 5; second += 1) {
      push(`${'x'.repeat(99)}\n`.repeat(2000));
      clock.advance(1000);
    }
    expect(lines).toHaveLength(10_000);
  });
});

describe('what a child writes can neither forge a line nor drive a terminal', () => {
  it.each([
    { name: 'colours', raw: '\u001b[31mred\u001b[0m', safe: 'red' },
    { name: 'cursor movements', raw: 'a\u001b[2Kb\u001b[1Ac', safe: 'abc' },
    { name: 'a window title', raw: '\u001b]0;owned\u0007text', safe: 'text' },
    { name: 'a lone escape', raw: 'a\u001b', safe: 'a·' },
    { name: 'a carriage return within a line', raw: 'real\rforged', safe: 'real·forged' },
    { name: 'backspaces', raw: 'abc\b\b\bxyz', safe: 'abc···xyz' },
    { name: 'vertical tab and form feed', raw: 'a\u000bb\u000cc', safe: 'a·b·c' },
    { name: 'NUL and DEL', raw: 'a\u0000b\u007fc', safe: 'a·b·c' },
    { name: 'C1 controls', raw: 'a\u0085b', safe: 'a·b' },
    { name: 'line and paragraph separators', raw: 'a\u2028b\u2029c', safe: 'a·b·c' },
    { name: 'tabs, which are harmless', raw: 'a\tb', safe: 'a\tb' },
    { name: 'HTML, which is escaped where it is shown', raw: '<b>&amp;', safe: '<b>&amp;' },
  ])('$name', ({ raw, safe }) => {
    expect(sanitiseLine(raw)).toBe(safe);
  });

  it('whatever its bytes are', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 10 });
    fc.assert(
      fc.property(chunks, (pieces) => {
        const { lines, intake } = createSubject();
        for (const piece of pieces) intake.push(Buffer.from(piece));
        intake.end();
        for (const line of lines) {
          expect(line).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/);
        }
        const ends = Buffer.concat(pieces.map((piece) => Buffer.from(piece))).filter((byte) => byte === 0x0a).length;
        expect(lines.length).toBeLessThanOrEqual(ends + 1);
      }),
    );
  });
});
