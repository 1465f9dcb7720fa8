/** The bytes of JSON's grammar (RFC 8259) for those who read a body without building it, and the way over its texts. Pure. */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const COLON = 0x3a;
export const COMMA = 0x2c;

const SHORT_STRING_BYTES = 64;

/** Behind the closing quote of the text that opens at `from`; -1 if there is none. */
export function stringEnd(bytes: Buffer, from: number): number {
  const end = bytes.length;
  let next = from + 1;
  for (;;) {
    // A call of `indexOf` costs more than a few bytes looked at here, and most texts, and most text between escapes, are short.
    const near = Math.min(end, next + SHORT_STRING_BYTES);
    while (next < near) {
      const byte = bytes[next];
      if (byte === QUOTE) return next + 1;
      next += byte === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, next);
    if (next >= end || quote === -1) return -1;
    let backslashes = 0;
    while (quote - 1 - backslashes >= next && bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    next = quote + 1;
  }
}
