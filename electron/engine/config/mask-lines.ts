import { SECRET_MASK } from '#shared/contract/settings.ts';

/**
 * Masks what looks like a secret in text that no reader understands: a broken file, or comments. Line by line and rather
 * too much than too little, since nobody edits by what this shows. Pure; gives back as many lines as it was given.
 */

/** A name, its colon or equals sign, and what follows it on the line. Names are bounded: a line may be megabytes long. */
const namedValue =
  /((?:["']?)(?:[\w.-]{0,60}(?:key|keys|token|secret|password|passwd)|env)(?:["']?)\s*[:=](?![:=]))([^\S\r\n]*)([^\r\n]*)/i;
/** The one kind of value that is no secret. */
const reference = /^(["']?)\$\{env\.[^\s${}]+\}\1\s*,?\s*$/;

export function maskLines(lines: readonly string[]): string[] {
  /** Lines that are further in than this belong to the secret above them. */
  let openColumn: number | undefined;
  /** Brackets and quotes of the secret above that are still open, and may end at any column. */
  let unclosed = '';
  return lines.map((line) => {
    const indent = line.search(/\S/);
    if (unclosed !== '') {
      unclosed = closeAll(unclosed, line);
      return maskWords(line);
    }
    if (indent === -1) return line;
    if (openColumn !== undefined && indent > openColumn) return maskWords(line);
    openColumn = undefined;
    const match = namedValue.exec(line);
    if (match === null) return line;
    const [, name = '', gap = '', value = ''] = match;
    openColumn = match.index;
    const before = line.slice(0, match.index);
    if (value.trim() === '' || reference.test(value)) return line;
    unclosed = closeAll('', value);
    return `${before}${name}${gap}${SECRET_MASK}${/,\s*$/.test(value) ? ',' : ''}`;
  });
}

/** Brackets and quotes that are open at the end of `text`, of those that were open before it. */
function closeAll(open: string, text: string): string {
  let left = open;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    const last = left.at(-1);
    if (last === '"' && character === '\\') index += 1;
    else if (last === '"' || last === "'") left = character === last ? left.slice(0, -1) : left;
    else if (character === '{' || character === '[') left += character;
    else if (character === '}' || character === ']') left = left.slice(0, -1);
    // An apostrophe inside of a word opens nothing.
    else if ((character === '"' || character === "'") && /^$|[\s,:=[{]/.test(text[index - 1] ?? '')) left += character;
  }
  return left;
}

function maskWords(line: string): string {
  const indent = line.search(/\S/);
  return indent === -1 ? line : `${line.slice(0, indent)}${SECRET_MASK}`;
}
