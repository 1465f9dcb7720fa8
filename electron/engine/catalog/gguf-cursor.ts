import { readSync } from 'node:fs';

/** Reads numbers and strings from a file in order. Synchronous: it runs in a worker thread. */
export interface GgufCursor {
  /** Bytes from the start of the file. */
  position(): number;
  uint8(): number;
  uint16(): number;
  uint32(): number;
  int8(): number;
  int16(): number;
  int32(): number;
  /** Inexact beyond 2^53; `count` refuses such numbers. */
  uint64(): number;
  int64(): number;
  float32(): number;
  float64(): number;
  /** A uint64 that says how many of something follow, each of at least `minimumBytes`; refused beyond what can follow. */
  count(what: string, minimumBytes: number): number;
  /** A string of at most `maxBytes`; a longer one is refused. */
  string(what: string, maxBytes: number): string;
  /** The same, but a longer one is skipped. */
  shortString(maxBytes: number): string | undefined;
  skip(bytes: number): void;
}

/** What is wrong with a file, to follow its name in a sentence. */
export class GgufFormatError extends Error {
  override readonly name = 'GgufFormatError';
}

const bufferBytes = 256 * 1024;

/** Memory stays at one buffer, whatever the file says. Nothing beyond `limitBytes` is read. */
export function createGgufCursor(options: {
  readonly descriptor: number;
  readonly fileBytes: number;
  readonly limitBytes: number;
}): GgufCursor {
  const { descriptor, fileBytes, limitBytes } = options;
  const endBytes = Math.min(fileBytes, limitBytes);
  const buffer = Buffer.alloc(bufferBytes);
  let bufferStart = 0;
  let bufferEnd = 0;
  let position = 0;

  const checkRoom = (bytes: number): void => {
    if (position + bytes <= endBytes) return;
    throw new GgufFormatError(
      position + bytes > fileBytes
        ? `is cut off at ${fileBytes} bytes, within its header`
        : `has a header of more than ${Math.floor(limitBytes / 1024 / 1024)} MiB`,
    );
  };

  /** The offset in the buffer at which the next `bytes` stand. */
  const take = (bytes: number): number => {
    checkRoom(bytes);
    if (position < bufferStart || position + bytes > bufferEnd) {
      const wanted = Math.min(bufferBytes, endBytes - position);
      let filled = 0;
      while (filled < wanted) {
        const read = readSync(descriptor, buffer, filled, wanted - filled, position + filled);
        if (read === 0) throw new GgufFormatError('became shorter while it was read');
        filled += read;
      }
      bufferStart = position;
      bufferEnd = position + filled;
    }
    const offset = position - bufferStart;
    position += bytes;
    return offset;
  };

  const text = (length: number): string => {
    const offset = take(length);
    return buffer.toString('utf8', offset, offset + length);
  };

  const cursor: GgufCursor = {
    position: () => position,
    uint8: () => buffer.readUInt8(take(1)),
    uint16: () => buffer.readUInt16LE(take(2)),
    uint32: () => buffer.readUInt32LE(take(4)),
    int8: () => buffer.readInt8(take(1)),
    int16: () => buffer.readInt16LE(take(2)),
    int32: () => buffer.readInt32LE(take(4)),
    uint64: () => Number(buffer.readBigUInt64LE(take(8))),
    int64: () => Number(buffer.readBigInt64LE(take(8))),
    float32: () => buffer.readFloatLE(take(4)),
    float64: () => buffer.readDoubleLE(take(8)),
    count(what, minimumBytes) {
      const count = cursor.uint64();
      if (!Number.isSafeInteger(count) || count * minimumBytes > endBytes - position) {
        throw new GgufFormatError(`claims ${count} ${what}, more than it has room for`);
      }
      return count;
    },
    string(what, maxBytes) {
      const length = cursor.count(`bytes of ${what}`, 1);
      if (length > maxBytes) throw new GgufFormatError(`has ${what} of ${length} bytes`);
      return text(length);
    },
    shortString(maxBytes) {
      const length = cursor.count('bytes of a string', 1);
      if (length <= maxBytes) return text(length);
      cursor.skip(length);
      return undefined;
    },
    skip(bytes) {
      checkRoom(bytes);
      position += bytes;
    },
  };
  return cursor;
}
