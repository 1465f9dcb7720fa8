/**
 * Reads HTTP/1.1 answers off a connection's bytes and allocates as little as it can: what the load generator needs of
 * Node's time is missing to what it measures. Knows `Content-Length` and chunked bodies without trailers, nothing else.
 */
export interface ResponseHandlers {
  onHead(status: number): void;
  /** A piece of the body, freed of its framing; only valid during the call. */
  onBody(piece: Buffer): void;
  onEnd(): void;
}

const LINE_FEED = 0x0a;
const EMPTY = Buffer.alloc(0);

/** Returns the function that takes what arrives. It throws on what is not an answer. */
export function createResponseParser(handlers: ResponseHandlers): (received: Buffer) => void {
  let state: 'head' | 'fixed' | 'size' | 'data' | 'data-end' | 'last-line' = 'head';
  let remaining = 0;
  let carry: Buffer = EMPTY;

  /** The end of the line that starts at `from`, line feed included; undefined if it has not come yet. */
  function lineEnd(bytes: Buffer, from: number): number | undefined {
    const at = bytes.indexOf(LINE_FEED, from);
    return at === -1 ? undefined : at + 1;
  }

  function takeHead(bytes: Buffer, from: number): number | undefined {
    const end = bytes.indexOf('\r\n\r\n', from, 'latin1');
    if (end === -1) return undefined;
    const head = bytes.toString('latin1', from, end);
    const status = Number(head.slice(9, 12));
    if (!head.startsWith('HTTP/1.1 ') || !(status >= 100)) throw new Error(`Not an HTTP answer: ${head.slice(0, 80)}`);
    handlers.onHead(status);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) state = 'size';
    else {
      remaining = Number(length);
      if (remaining > 0) state = 'fixed';
      else handlers.onEnd();
    }
    return end + 4;
  }

  /** Takes as much as is there of the body or of a chunk. */
  function takeData(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + remaining);
    remaining -= to - from;
    handlers.onBody(bytes.subarray(from, to));
    if (remaining > 0) return to;
    if (state === 'fixed') {
      state = 'head';
      handlers.onEnd();
    } else state = 'data-end';
    return to;
  }

  function takeLine(bytes: Buffer, from: number): number | undefined {
    const end = lineEnd(bytes, from);
    if (end === undefined) return undefined;
    if (state === 'size') {
      remaining = Number.parseInt(bytes.toString('latin1', from, end), 16);
      if (Number.isNaN(remaining)) throw new Error('A chunk has no size.');
      state = remaining === 0 ? 'last-line' : 'data';
    } else if (state === 'data-end') state = 'size';
    else {
      state = 'head';
      handlers.onEnd();
    }
    return end;
  }

  return (received) => {
    const bytes = carry.length === 0 ? received : Buffer.concat([carry, received]);
    carry = EMPTY;
    let at = 0;
    while (at < bytes.length) {
      const next: number | undefined =
        state === 'head'
          ? takeHead(bytes, at)
          : state === 'fixed' || state === 'data'
            ? takeData(bytes, at)
            : takeLine(bytes, at);
      if (next === undefined) {
        carry = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  };
}
