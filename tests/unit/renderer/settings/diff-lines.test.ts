import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines, pickHunks, type DiffLine } from '../../../../renderer/features/settings/diff-lines.ts';

const marks = { same: ' ', added: '+', removed: '-' } as const;
const show = (lines: readonly DiffLine[]): string[] => lines.map(({ kind, text }) => marks[kind] + text);

describe('diffLines', () => {
  it.each([
    ['a\nb\nc\n', 'a\nx\nc\n', [' a', '-b', '+x', ' c']],
    ['', 'a\nb\n', ['+a', '+b']],
    ['a\nb\n', '', ['-a', '-b']],
    ['a\na\nb\n', 'a\nb\n', [' a', '-a', ' b']],
    ['a\r\nb\r\n', 'a\nb\n', [' a', ' b']],
    ['a', 'a\n', [' a']],
    ['a\n\nb\n', 'a\n\nc\n\nb\n', [' a', ' ', '+c', '+', ' b']],
  ])('of %j and %j', (before, after, expected) => {
    expect(show(diffLines(before, after))).toEqual(expected);
  });

  it('numbers lines as the text has them that they are from', () => {
    expect(diffLines('a\nb\nc\n', 'a\nx\ny\nc\n').map(({ kind, number }) => [kind, number])).toEqual([
      ['same', 1],
      ['removed', 2],
      ['added', 2],
      ['added', 3],
      ['same', 4],
    ]);
  });

  it('holds both texts, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '', 'c: 1'), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const join = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
        const lines = diffLines(join(before), join(after));
        const pick = (gone: DiffLine['kind']): string[] =>
          lines.filter(({ kind }) => kind !== gone).map((line) => line.text);
        expect(pick('added')).toEqual(before);
        expect(pick('removed')).toEqual(after);
      }),
    );
  });

  it('does not grow with the square of texts that have nothing in common', () => {
    const lines = (name: string): string => Array.from({ length: 5000 }, (_, index) => `${name}${index}`).join('\n');
    expect(diffLines(lines('a'), lines('b'))).toHaveLength(10_000);
  });
});

describe('pickHunks', () => {
  it('leaves out what is far from any change', () => {
    const before = Array.from({ length: 20 }, (_, index) => `l${index}`).join('\n');
    const after = before.replace('l3', 'x').replace('l15', 'y');
    expect(pickHunks(diffLines(before, after), 1).map(show)).toEqual([
      [' l2', '-l3', '+x', ' l4'],
      [' l14', '-l15', '+y', ' l16'],
    ]);
  });

  it('is empty where nothing differs', () => {
    expect(pickHunks(diffLines('a\n', 'a\n'), 3)).toEqual([]);
  });
});
