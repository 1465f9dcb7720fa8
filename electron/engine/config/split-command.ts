export type SplitCommand =
  { readonly ok: true; readonly words: readonly string[] } | { readonly ok: false; readonly message: string };

const BLANK = /[ \t\r\n]/;

/**
 * Splits a command line into words by the quoting rules of POSIX (Shell Command Language, 2.2): single quotes keep
 * everything, double quotes keep everything but a backslash before `$`, backquote, `"`, `\` or a line break, and outside
 * of quotes a backslash keeps the next character. Nothing else of a shell happens: no variables, globs, pipes or
 * comments. With `isBackslashLiteral` (Windows, whose paths are full of them) a backslash is a character like any other.
 */
export function splitCommand(text: string, isBackslashLiteral: boolean): SplitCommand {
  const words: string[] = [];
  let word: string | undefined;
  let quote: { readonly mark: string; readonly position: number } | undefined;

  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (quote !== undefined && char === quote.mark) {
      quote = undefined;
    } else if (quote?.mark === "'") {
      word = (word ?? '') + char;
    } else if (char === '\\' && !isBackslashLiteral) {
      const next = text.charAt(index + 1);
      if (next === '') return { ok: false, message: 'ends in a backslash that escapes nothing' };
      index += 1;
      if (next !== '\n') word = (word ?? '') + (quote === undefined || '$`"\\'.includes(next) ? next : `\\${next}`);
    } else if (quote !== undefined) {
      word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = { mark: char, position: index + 1 };
      word ??= '';
    } else if (BLANK.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }

  if (quote !== undefined) {
    return { ok: false, message: `has a quote (${quote.mark}) at character ${quote.position} that is never closed` };
  }
  if (word !== undefined) words.push(word);
  return { ok: true, words };
}
