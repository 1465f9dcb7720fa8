import type { MemoryHistory, MemoryView } from '#shared/contract/memory.ts';

/** As fine as a chart of an hour can show. */
const INTERVAL_MS = 5000;
const SPAN_MS = 60 * 60_000;

export interface MemoryHistoryKeeper {
  /** Notes the devices as they are known now; of several within one interval the last counts. */
  note(memory: MemoryView, wallMs: number): void;
  read(wallMs: number): MemoryHistory;
}

interface Sample {
  readonly at: number;
  readonly slot: number;
  readonly devices: MemoryHistory['samples'][number]['devices'];
}

/**
 * Who held how much of each device over the last hour: at most one sample an interval, 720 in all. Nothing is read for it,
 * since a vendor's tool is a process each time: it has what was read because somebody looks, or because a load was to be
 * decided. While nobody looks there are gaps, which a chart must show as such. Pure.
 */
export function createMemoryHistory(): MemoryHistoryKeeper {
  let samples: Sample[] = [];

  function dropOld(wallMs: number): void {
    // A clock that was set back leaves samples of the future behind.
    const isKept = ({ at }: Sample): boolean => at > wallMs - SPAN_MS && at <= wallMs;
    const [oldest, newest] = [samples[0], samples.at(-1)];
    if (oldest === undefined || newest === undefined || (isKept(oldest) && isKept(newest))) return;
    samples = samples.filter(isKept);
  }

  return {
    note({ devices }, wallMs) {
      dropOld(wallMs);
      if (devices.length === 0) return;
      const slot = Math.floor(wallMs / INTERVAL_MS);
      if (samples.at(-1)?.slot === slot) samples.pop();
      samples.push({
        at: wallMs,
        slot,
        devices: Object.fromEntries(
          devices.map(({ id, usedByOthersBytes, models }) => [
            id,
            { usedByOthersBytes, models: Object.fromEntries(models.map(({ model, bytes }) => [model, bytes])) },
          ]),
        ),
      });
    },
    read(wallMs) {
      dropOld(wallMs);
      return { intervalMs: INTERVAL_MS, samples: samples.map(({ at, devices }) => ({ at, devices })) };
    },
  };
}
