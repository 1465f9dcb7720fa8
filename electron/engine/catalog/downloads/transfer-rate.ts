/** How fast bytes come, over the last seconds. Times are monotonic milliseconds. Pure but for what it remembers. */
export interface TransferRate {
  note(totalBytes: number, nowMs: number): void;
  /** Bytes a second; undefined until enough was seen, and once nothing came for the whole window. */
  read(nowMs: number): number | undefined;
  reset(): void;
}

const WINDOW_MS = 8000;
const SAMPLE_EVERY_MS = 250;
/** Before that a rate is mostly noise. */
const MIN_SPAN_MS = 500;

export function createTransferRate(): TransferRate {
  let samples: { atMs: number; bytes: number }[] = [];
  return {
    note(bytes, atMs) {
      const last = samples.at(-1);
      // A file that starts over is no negative speed.
      if (last !== undefined && bytes < last.bytes) samples = [];
      if (last !== undefined && samples.length > 0 && atMs - last.atMs < SAMPLE_EVERY_MS) return;
      samples.push({ atMs, bytes });
      samples = samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS);
    },
    read(nowMs) {
      const recent = samples.filter((sample) => nowMs - sample.atMs <= WINDOW_MS);
      const [first] = recent;
      const last = recent.at(-1);
      if (first === undefined || last === undefined || last.bytes === first.bytes) return undefined;
      const spanMs = nowMs - first.atMs;
      return spanMs < MIN_SPAN_MS ? undefined : ((last.bytes - first.bytes) / spanMs) * 1000;
    },
    reset() {
      samples = [];
    },
  };
}
