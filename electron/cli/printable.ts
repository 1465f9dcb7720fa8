import { stripVTControlCharacters } from 'node:util';

/**
 * Characters that would act on a terminal or hide what a text says: controls (C0, DEL, C1), line and paragraph
 * separators, and the marks that turn the direction of writing (https://trojansource.codes).
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A name or other short text with every unprintable character written out as `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, writtenOut);
}

/** Text of several lines: as `printable`, but line feeds stay. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n');
}

/** A line that a program wrote: its colours and cursor movements are left out, tabs stay, the rest is written out. */
export function printableLogLine(text: string): string {
  return stripVTControlCharacters(text).split('\t').map(printable).join('\t');
}

function writtenOut(character: string): string {
  const hex = character.charCodeAt(0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** East Asian and emoji characters, which terminals draw over two columns. */
const WIDE =
  /^(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})/u;

/** How many columns a printable text takes on a terminal. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** The text cut to at most `columns`, with `…` where something was cut off. */
export function fitToColumns(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let fitted = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += displayWidth(segment);
    if (width > columns - 1) break;
    fitted += segment;
  }
  return `${fitted}…`;
}
