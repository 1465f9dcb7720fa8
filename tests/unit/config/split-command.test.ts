import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitCommand } from '../../../electron/engine/config/split-command.ts';

describe('splitCommand', () => {
  it.each([
    ['', []],
    ['  \n\t ', []],
    ['a b', ['a', 'b']],
    ['a\n  b\tc', ['a', 'b', 'c']],
    [`a '' ""`, ['a', '', '']],
    [`a"b c"'d e'f`, ['ab cd ef']],
    [`'it'\\''s'`, ["it's"]],
    ['a\\ b', ['a b']],
    ['a\\\nb', ['ab']],
    ['a \\\n b', ['a', 'b']],
    ['"a\\\nb"', ['ab']],
    ['"a\\"b\\\\c\\$d\\e"', ['a"b\\c$d\\e']],
    ["'a\\b'", ['a\\b']],
    ['a | b && c # d > e', ['a', '|', 'b', '&&', 'c', '#', 'd', '>', 'e']],
    ['--x=${PORT} "${HOST}"', ['--x=${PORT}', '${HOST}']],
  ])('splits %j', (text, words) => {
    expect(splitCommand(text, false)).toEqual({ ok: true, words });
  });

  it('keeps backslashes on Windows', () => {
    expect(splitCommand('"C:\\Program Files\\x.exe" C:\\a\\b \'c\\\'', true)).toEqual({
      ok: true,
      words: ['C:\\Program Files\\x.exe', 'C:\\a\\b', 'c\\'],
    });
  });

  it.each([
    [`a "b`, /quote \("\) at character 3/],
    [`a 'b"`, /quote \('\) at character 3/],
    ['a\\', /backslash/],
  ])('refuses %j', (text, message) => {
    const split = splitCommand(text, false);
    expect(split).toMatchObject({ ok: false });
    expect(split.ok ? '' : split.message).toMatch(message);
  });

  it('gives back any words that were quoted, in each of three ways', () => {
    const quotings = [
      (word: string) => `'${word.replaceAll("'", "'\\''")}'`,
      (word: string) => `"${word.replace(/[$`"\\]/g, (char) => `\\${char}`)}"`,
      (word: string) =>
        word === '' || word.includes('\n')
          ? `'${word.replaceAll("'", "'\\''")}'`
          : Array.from(word)
              .map((char) => `\\${char}`)
              .join(''),
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string(), fc.constantFrom(...quotings))),
        fc.constantFrom(' ', '\n', ' \t '),
        (words, blank) => {
          const line = words.map(([word, quote]) => quote(word)).join(blank);
          expect(splitCommand(line, false)).toEqual({ ok: true, words: words.map(([word]) => word) });
        },
      ),
    );
  });
});
