import type { MemoryHistory, MemoryView } from '#shared/contract/memory.ts';

/** An hour's chart is some hundred pixels wide, and the engine reads no more often while nobody looks. */
const INTERVAL_MS = 15_000;
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
 * Who held how much of each device over the last hour: at most one sample an interval, 240 in all. It has what was read
 * because somebody looks, because a load was to be decided, or because a model is loaded. While nobody looks and nothing is
 * loaded there are gaps, which a chart must show as such. Pure.
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
