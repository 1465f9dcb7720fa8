import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import type { Clock } from '../ports/clock.ts';

/** A line longer than this is cut; llama-server's longest useful lines (templates) are well below it. */
const MAX_LINE_CHARACTERS = 8192;

/**
 * What a child may write a second before the rest is counted instead of read. A verbose llama-server stays below 100 kB/s;
 * a flood must neither block the child (its pipe is emptied all the same, see child-process.ts) nor take the main thread
 * from the streams: so much as this costs it some 20 ms.
 */
const MAX_BYTES_A_SECOND = 256 * 1024;

export interface LineIntake {
  /** True if the chunk was left out as part of a flood. */
  push(chunk: Buffer): boolean;
  /** Hands on what is left without a line end. */
  end(): void;
}

/**
 * Turns a child's output into lines that are safe to show: no escape sequences, no control characters, so that output
 * can neither forge a line nor drive a terminal.
 */
export function createLineIntake(clock: Clock, onLine: (text: string) => void): LineIntake {
  const decoder = new StringDecoder('utf8');
  let pending = '';
  let windowStartMs = clock.nowMs();
  let windowBytes = 0;
  let droppedBytes = 0;
  let isResuming = false;

  function emit(raw: string): void {
    const cut = raw.length > MAX_LINE_CHARACTERS ? `${raw.slice(0, MAX_LINE_CHARACTERS)}…` : raw;
    onLine(sanitiseLine(cut));
  }

  function reportDropped(): void {
    if (droppedBytes === 0) return;
    onLine(`[corral: left out ${droppedBytes} bytes of output that came too fast to keep]`);
    droppedBytes = 0;
  }

  return {
    push(chunk) {
      const nowMs = clock.nowMs();
      if (nowMs - windowStartMs >= 1000) {
        windowStartMs = nowMs;
        windowBytes = 0;
        reportDropped();
      }
      windowBytes += chunk.length;
      if (windowBytes > MAX_BYTES_A_SECOND) {
        droppedBytes += chunk.length;
        pending = '';
        isResuming = true;
        return true;
      }
      let text = decoder.write(chunk);
      if (isResuming) {
        // After a gap, what comes before the next line end belongs to a line whose start is gone.
        const lineEnd = text.indexOf('\n');
        if (lineEnd === -1) return false;
        text = text.slice(lineEnd + 1);
        isResuming = false;
      }
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) emit(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (pending.length > MAX_LINE_CHARACTERS) {
        emit(pending);
        pending = '';
        isResuming = true;
      }
      return false;
    },
    end() {
      pending += decoder.end();
      if (pending !== '' && !isResuming) emit(pending);
      pending = '';
      reportDropped();
    },
  };
}

/** A line without escape sequences, and with every other control character made visible as `·`. */
export function sanitiseLine(raw: string): string {
  return stripVTControlCharacters(raw).replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g, '·');
}
