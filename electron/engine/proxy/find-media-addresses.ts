import { CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, stringEnd } from './json-bytes.ts';
import { addressKeys, MAX_MEDIA_KEY_BYTES, mediaKeys } from './media-keys.ts';

/** A text in a JSON body that tells a model's server where to fetch something. */
export interface MediaAddress {
  /** Where it stands in the body, its quotes included. */
  readonly from: number;
  readonly end: number;
  readonly address: string;
  /** False for sound, films and documents. */
  readonly isImage: boolean;
}

export type MediaAddressesResult =
  { readonly ok: true; readonly addresses: readonly MediaAddress[] } | { readonly ok: false };

/** Deeper than any schema a client sends. */
const MAX_DEPTH = 512;
/** Enough to see what kind of address a text begins with, every letter escaped. */
const PREFIX_BYTES = 512;

/** What is below them is data for the model or about the request; no server looks for media there. */
const skippedKeys: ReadonlySet<string> = new Set([
  ...['tools', 'functions', 'metadata', 'response_format', 'json_schema', 'input_schema', 'parameters', 'arguments'],
]);

interface Frame {
  readonly isObject: boolean;
  /** The key the value stands under; in a list, that of the list. */
  readonly key: string;
  readonly isSkipped: boolean;
  /** The key that was read last. */
  nextKey: string;
  type: string;
  /** Addresses that count if the object turns out to be media. */
  pending: (() => void) | undefined;
}

/**
 * Finds the addresses of pictures and other media in a JSON body, in the forms of OpenAI's chat and Responses, Anthropic's
 * messages and their relatives, however their letters are escaped and however often a key is repeated. Nothing is built:
 * what the result says is about the very bytes that go on. Not ok for what another parser might read in another way:
 * comments, other quotes, what is cut off, another encoding than UTF-8. Pure.
 */
export function findMediaAddresses(body: Buffer): MediaAddressesResult {
  const addresses: MediaAddress[] = [];
  const frames: Frame[] = [];
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;

  while (at < body.length) {
    const byte = body[at] ?? 0;
    const frame = frames.at(-1);
    if (byte === QUOTE) {
      const end = stringEnd(body, at);
      if (end === -1) return { ok: false };
      const after = skipSpace(body, end);
      if (frame?.isObject === true && body[after] === COLON) {
        frame.nextKey = end - at <= MAX_MEDIA_KEY_BYTES ? decode(body, at, end).toLowerCase() : '';
        at = after + 1;
      } else {
        if (frame !== undefined && !frame.isSkipped) readText(frame, at, end);
        at = end;
      }
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (frames.length >= MAX_DEPTH) return { ok: false };
      const key = frame === undefined ? '' : frame.isObject ? frame.nextKey : frame.key;
      // What a tool was called with stands in the `input` of a part; the top-level one is a prompt.
      const isCallInput = key === 'input' && frame?.isObject === true && frames.length > 1;
      const isSkipped = frame?.isSkipped === true || isCallInput || skippedKeys.has(key);
      frames.push({ isObject: byte === OPEN_BRACE, key, isSkipped, nextKey: '', type: '', pending: undefined });
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (frame?.isObject !== (byte === CLOSE_BRACE)) return { ok: false };
      if (isMediaType(frame.type)) frame.pending?.();
      frames.pop();
    } else if (!isPlain(byte)) return { ok: false };
    at += 1;
  }
  return frames.length === 0 ? { ok: true, addresses } : { ok: false };

  function readText(frame: Frame, from: number, end: number): void {
    const key = frame.isObject ? frame.nextKey : frame.key;
    if (key === 'type' && frame.isObject) {
      // Of two types, the one that is no media must not hide the other.
      const type = end - from <= MAX_MEDIA_KEY_BYTES ? decode(body, from, end) : '';
      if (!isMediaType(frame.type)) frame.type = type;
      return;
    }
    const isDirect = mediaKeys.has(key);
    if (!isDirect && !(frame.isObject && addressKeys.has(key))) return;
    if (!isRemote(body, from, end)) return;
    const add = (): void => {
      const isImage = ![key, frame.key, frame.type].some((name) => /audio|video|file|document/i.test(name));
      addresses.push({ from, end, address: decode(body, from, end), isImage });
    };
    if (isDirect || mediaKeys.has(frame.key) || frame.key === 'source') {
      add();
      return;
    }
    const { pending } = frame;
    frame.pending = () => {
      pending?.();
      add();
    };
  }
}

function isMediaType(type: string): boolean {
  return /^(?:input_|image|audio|video|document|file|media)/.test(type);
}

/** What may stand outside of texts: numbers, literals, and what separates them. */
function isPlain(byte: number): boolean {
  return (
    isSpace(byte) ||
    byte === COLON ||
    byte === COMMA ||
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (isSpace(body[at])) at += 1;
  return at;
}

const shortEscapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** The text between the quotes, or its beginning where `end` cuts it off. */
function decode(body: Buffer, from: number, end: number): string {
  const text = body.toString('utf8', from + 1, body[end - 1] === QUOTE ? end - 1 : end);
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:u([0-9a-f]{4})|(.))/gis, (_escape, code: string | undefined, letter: string) =>
    code === undefined ? (shortEscapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/**
 * Whether a text is an address and not the data itself: it names a scheme other than `data`, or `file`, which means a folder
 * that the owner of a llama-server opened. Readers of addresses skip space in front and line breaks within; llama-server
 * takes for an address what begins with `http`. Base64 knows no colon.
 */
function isRemote(body: Buffer, from: number, end: number): boolean {
  const beginning = withoutSpace(decode(body, from, Math.min(end, from + PREFIX_BYTES)));
  // What is nearly all space has its address further on.
  const plain = beginning.length < 32 && end - from > PREFIX_BYTES ? withoutSpace(decode(body, from, end)) : beginning;
  const [, scheme] = /^([a-z][a-z0-9+.-]*):/i.exec(plain) ?? [];
  return scheme === undefined ? /^http/i.test(plain) : !/^(?:data|file)$/i.test(scheme);
}

function withoutSpace(text: string): string {
  let start = 0;
  while (start < text.length && (text.charCodeAt(start) <= 0x20 || /\s/.test(text.charAt(start)))) start += 1;
  return text.slice(start).replaceAll(/[\t\r\n]/g, '');
}
