import { stripVTControlCharacters } from 'node:util';

/**
 * What would act on a menu, hide what a text says or turn the direction of writing (https://trojansource.codes): controls,
 * line and paragraph separators, bidirectional marks, and characters without a width. Joiners stay: emoji and several
 * scripts need them.
 */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Whatever it holds, as one line that shows all there is to see: names of models, reasons, paths. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\t\r\n\u2028\u2029]+/g, ' ')
    .replace(UNSEEN, '')
    .replace(LONE_SURROGATE, '\ufffd')
    .trim();
}

/** At most `length` code points, with the middle left out: names of models differ at both ends. */
export function shortenMiddle(text: string, length: number): string {
  const points = Array.from(text);
  if (points.length <= length) return text;
  const headLength = Math.ceil((length - 1) / 2);
  const tailLength = length - 1 - headLength;
  return `${points.slice(0, headLength).join('')}…${points.slice(points.length - tailLength).join('')}`;
}

/** At most `length` code points, with the end left out: the beginning of a sentence says most. */
export function shortenEnd(text: string, length: number): string {
  const points = Array.from(text);
  return points.length <= length
    ? text
    : `${points
        .slice(0, length - 1)
        .join('')
        .trimEnd()}…`;
}

const MAX_NAME_LENGTH = 40;

/** The name of a model, for a line of a menu or a title. */
export function shortName(name: string): string {
  const plain = plainText(name);
  return plain === '' ? '(no name)' : shortenMiddle(plain, MAX_NAME_LENGTH);
}
