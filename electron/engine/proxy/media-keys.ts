import { BACKSLASH, QUOTE } from './json-bytes.ts';

/**
 * The keys under which requests name pictures, sound and films that a model's server would fetch by itself; in small
 * letters, since there are parsers (Go's) that do not tell them from capitals.
 */

/** A text here is an address, or the data itself. */
export const mediaKeys: ReadonlySet<string> = new Set([
  ...['image_url', 'audio_url', 'video_url', 'file_url'],
  ...['input_image', 'input_audio', 'input_video', 'input_file'],
  ...['image', 'images', 'audio', 'video', 'mask'],
]);

/** A text here is an address where the object around it says that it is media, by its own key or by its type. */
export const addressKeys: ReadonlySet<string> = new Set(['url', 'uri', 'data', 'source']);

/** Longest key of the two, with every letter escaped (`\u0075`), and its quotes. */
export const MAX_MEDIA_KEY_BYTES = 6 * 'input_image'.length + 2;

const LOWER_L = 0x6c;
const LOWER_R = 0x72;
const LOWER_U = 0x75;
/** In ASCII, what tells a small letter from a capital. */
const SMALL_BIT = 0x20;

/**
 * Whether a key, its quotes included, may be one of those above; false for nearly all keys after a look at one or two bytes.
 * An escaped one may be anything.
 */
export function mayBeMediaKey(bytes: Buffer, from: number, end: number): boolean {
  const length = end - from;
  if (length < 5 || length > MAX_MEDIA_KEY_BYTES || bytes[end - 1] !== QUOTE) return false;
  for (let at = from + 1; at < end - 1; at += 1) if (bytes[at] === BACKSLASH) return true;
  if (lower(bytes[end - 2]) === LOWER_L) return lower(bytes[end - 3]) === LOWER_R && lower(bytes[end - 4]) === LOWER_U;
  switch (length) {
    case 5:
    case 6:
    case 7:
    case 8:
    case 12:
    case 13: {
      const key = bytes.toString('latin1', from + 1, end - 1).toLowerCase();
      return mediaKeys.has(key) || addressKeys.has(key);
    }
    default:
      return false;
  }
}

function lower(byte: number | undefined): number {
  return (byte ?? 0) | SMALL_BIT;
}
