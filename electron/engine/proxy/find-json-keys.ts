import { mayBeMediaKey } from './media-keys.ts';

/** What the proxy wants to know of a JSON request body. */
export interface FoundKeys {
  readonly model: string | undefined;
  readonly isStreaming: boolean;
  /** The `user` field, if it is a string of sensible length. */
  readonly user: string | undefined;
  /** Some key, at any depth, may name a picture or the like that the model's server would fetch. */
  readonly mayNameMedia: boolean;
}

export type FindKeysResult =
  | { readonly ok: true; readonly found: FoundKeys }
  | { readonly ok: false; readonly problem: string; readonly offset: number };

// Not those of `json-bytes.ts`: to a body of small things a constant of another module costs as much as the rest of the walk
// where modules are not bundled.
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const LITERALS: readonly Uint8Array[] = ['true', 'false', 'null'].map((text) => Buffer.from(text));

/** Deeper than any schema a client sends, and shallow enough for every parser behind us. */
const MAX_DEPTH = 512;
/** Longer than any number or literal that JSON writers produce. */
const SHORT_STRING_BYTES = 64;
const MAX_SCALAR_BYTES = 400;
/** The longest key looked for, with every letter escaped (`\u0073`). */
const MAX_ESCAPED_KEY_BYTES = 6 * 'stream'.length;
/** Longer than any name or digest of a user. */
const MAX_USER_BYTES = 1024;

/**
 * Finds the top-level `model`, `stream` and `user` of a JSON object, and whether it may name media, without building it: strings
 * are skipped at the speed of `indexOf`, so that a body full of base64 images costs next to nothing. The whole body is
 * walked, because a later duplicate of a key wins in most parsers, and a body that is not JSON is refused here rather than
 * by the model's server. Grammar: RFC 8259. Pure.
 */
export function findJsonKeys(body: Uint8Array): FindKeysResult {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const end = bytes.length;
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let problem: string | undefined;
  let model: string | undefined;
  let isStreaming = false;
  let user: string | undefined;
  let mayNameMedia = false;

  const fail = (text: string): false => {
    problem ??= text;
    return false;
  };

  function skipSpace(): void {
    while (at < end) {
      const byte = bytes[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      at += 1;
    }
  }

  /** From an opening quote to behind the closing one. */
  function skipString(): boolean {
    let next = at + 1;
    for (;;) {
      // A call of `indexOf` costs more than a few bytes looked at here, and most strings, and most text between escapes, are short.
      const near = Math.min(end, next + SHORT_STRING_BYTES);
      while (next < near) {
        const byte = bytes[next];
        if (byte === QUOTE) {
          at = next + 1;
          return true;
        }
        next += byte === BACKSLASH ? 2 : 1;
      }
      const quote = bytes.indexOf(QUOTE, next);
      if (next >= end || quote === -1) return fail('a string does not end');
      let backslashes = 0;
      while (quote - 1 - backslashes >= next && bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
      if (backslashes % 2 === 0) {
        at = quote + 1;
        return true;
      }
      next = quote + 1;
    }
  }

  function parseSlice(from: number): unknown {
    try {
      return JSON.parse(bytes.toString('utf8', from, at));
    } catch {
      return undefined; // The caller reports it where it stands.
    }
  }

  function isDigit(byte: number | undefined): boolean {
    return byte !== undefined && byte >= 0x30 && byte <= 0x39;
  }

  function skipDigits(): boolean {
    const from = at;
    while (isDigit(bytes[at])) at += 1;
    return at > from;
  }

  /** RFC 8259, section 6. */
  function skipNumber(): boolean {
    if (bytes[at] === 0x2d) at += 1;
    if (bytes[at] === 0x30) at += 1;
    else if (!skipDigits()) return false;
    if (bytes[at] === 0x2e) {
      at += 1;
      if (!skipDigits()) return false;
    }
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      at += 1;
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1;
      if (!skipDigits()) return false;
    }
    return true;
  }

  function skipLiteral(): boolean {
    const literal = LITERALS.find((each) => each[0] === bytes[at]);
    if (literal === undefined || !literal.every((byte, index) => byte === bytes[at + index])) return false;
    at += literal.length;
    return true;
  }

  /** A number, true, false or null. Byte by byte, since lists of tokens have millions of them. */
  function skipScalar(): boolean {
    const from = at;
    const isSkipped = bytes[at] === 0x2d || isDigit(bytes[at]) ? skipNumber() : skipLiteral();
    const next = bytes[at];
    const isEnded =
      next === undefined || next === COMMA || next === CLOSE_BRACE || next === CLOSE_BRACKET || next <= 0x20;
    if (isSkipped && isEnded && at - from <= MAX_SCALAR_BYTES) return true;
    at = from;
    return fail('expected a value');
  }

  /** Skips one value of any depth, without recursion. */
  function skipValue(): boolean {
    const closers: number[] = [];
    let isExpectingValue = true;
    do {
      skipSpace();
      const byte = bytes[at];
      if (byte === undefined) return fail('it ends too early');
      const closer = closers.at(-1);
      if (isExpectingValue) {
        if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
          at += 1;
          if (closers.length >= MAX_DEPTH) return fail(`it is nested deeper than ${MAX_DEPTH} levels`);
          closers.push(byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
          skipSpace();
          if (bytes[at] === closers.at(-1)) {
            at += 1;
            closers.pop();
            isExpectingValue = false;
          } else if (byte === OPEN_BRACE && !skipKey()) return false;
        } else if (byte === QUOTE) {
          if (!skipString()) return false;
          isExpectingValue = false;
        } else {
          if (!skipScalar()) return false;
          isExpectingValue = false;
        }
      } else if (byte === closer) {
        at += 1;
        closers.pop();
      } else if (byte === COMMA && closer !== undefined) {
        at += 1;
        isExpectingValue = true;
        if (closer === CLOSE_BRACE && !skipKey()) return false;
      } else return fail(closer === CLOSE_BRACE ? 'expected `,` or `}`' : 'expected `,` or `]`');
    } while (closers.length > 0);
    return true;
  }

  function skipKey(): boolean {
    skipSpace();
    if (bytes[at] !== QUOTE) return fail('expected a key in double quotes');
    const from = at;
    if (!skipString()) return false;
    if (!mayNameMedia) mayNameMedia = mayBeMediaKey(bytes, from, at);
    return skipColon();
  }

  function skipColon(): boolean {
    skipSpace();
    if (bytes[at] !== COLON) return fail('expected `:` after a key');
    at += 1;
    return true;
  }

  /** A key that may be one of those looked for; `\u006dodel` is `model`, too. */
  function readKey(from: number): unknown {
    const length = at - from - 2;
    if (length >= 'user'.length && length <= 'stream'.length) return bytes.toString('latin1', from + 1, at - 1);
    const mayHide = length > 'stream'.length && length <= MAX_ESCAPED_KEY_BYTES;
    return mayHide && bytes.subarray(from, at).includes(BACKSLASH) ? parseSlice(from) : undefined;
  }

  function readMember(): boolean {
    skipSpace();
    if (bytes[at] !== QUOTE) return fail('expected a key in double quotes');
    const keyFrom = at;
    if (!skipString()) return false;
    if (!mayNameMedia) mayNameMedia = mayBeMediaKey(bytes, keyFrom, at);
    const key = readKey(keyFrom);
    if (!skipColon()) return false;
    skipSpace();
    const valueFrom = at;
    const isString = bytes[at] === QUOTE;
    if (!skipValue()) return false;
    if (key === 'model') {
      if (!isString) {
        at = valueFrom;
        return fail('`model` must be a string');
      }
      const value = parseSlice(valueFrom);
      if (typeof value !== 'string') return fail('`model` is not a valid string');
      model = value;
    } else if (key === 'stream') isStreaming = parseSlice(valueFrom) === true;
    else if (key === 'user') {
      const value = at - valueFrom <= MAX_USER_BYTES ? parseSlice(valueFrom) : undefined;
      user = typeof value === 'string' && value !== '' ? value : undefined;
    }
    return true;
  }

  function readObject(): boolean {
    skipSpace();
    if (at >= end) return fail('it is empty');
    if (bytes[at] !== OPEN_BRACE) return fail('it is not a JSON object');
    at += 1;
    skipSpace();
    if (bytes[at] === CLOSE_BRACE) {
      at += 1;
      return true;
    }
    for (;;) {
      if (!readMember()) return false;
      skipSpace();
      const byte = bytes[at];
      at += 1;
      if (byte === CLOSE_BRACE) return true;
      if (byte !== COMMA) {
        at -= 1;
        return fail('expected `,` or `}`');
      }
    }
  }

  const isObject = readObject();
  skipSpace();
  if (isObject && at < end) fail('something follows the JSON object');
  if (problem !== undefined) return { ok: false, problem, offset: at };
  return { ok: true, found: { model, isStreaming, user, mayNameMedia } };
}
