import type { MemoryHistory, MemoryView } from '#shared/contract/memory.ts';

/** Who held how much of one device over time, as a chart takes it. Pure. */

export type MemorySample = MemoryHistory['samples'][number];

export interface StackedHistory {
  /** Seconds since 1970, as the chart wants them. */
  readonly times: readonly number[];
  /** Models in the order they are stacked, from below; others' memory comes on top of them. */
  readonly owners: readonly string[];
  /** By owner, bytes; null where nothing is known: a gap. The last one is others'. */
  readonly held: readonly (readonly (number | null)[])[];
  /** The same, each on top of those below it. */
  readonly tops: readonly (readonly (number | null)[])[];
}

/** A sample that is so much later than the one before it follows a gap. */
const GAP_INTERVALS = 2.5;

const SHOWN_MS = 3_600_000;
/** So that the first minutes after the start are no sliver at the edge. */
const MIN_SHOWN_MS = 300_000;

/** Where the time axis begins: an hour before its end, or later where there is less to show. */
export function windowStart(samples: readonly MemorySample[], to: number): number {
  const first = samples[0]?.at ?? to;
  return Math.max(to - SHOWN_MS, Math.min(first, to - MIN_SHOWN_MS));
}

/** The sample that a snapshot amounts to, so that the chart ends now and not at the last stored sample. */
export function sampleOf({ devices }: MemoryView, at: number): MemorySample {
  return {
    at,
    devices: Object.fromEntries(
      devices.map(({ id, usedByOthersBytes, models }) => [
        id,
        { usedByOthersBytes, models: Object.fromEntries(models.map(({ model, bytes }) => [model, bytes])) },
      ]),
    ),
  };
}

/** Ends with what is true now. The window's clock may be behind the engine's: time never goes back on a chart. */
export function withLatest(samples: readonly MemorySample[], latest: MemorySample): readonly MemorySample[] {
  const last = samples.at(-1);
  if (last === undefined || last.at < latest.at) return [...samples, latest];
  return [...samples.slice(0, -1), { ...latest, at: last.at }];
}

/**
 * One device's samples from `from` on, stacked. `known` gives the order of owners; those that are not in it (models that are
 * gone by now) come after them.
 */
export function stackHistory(
  samples: readonly MemorySample[],
  device: string,
  {
    from,
    intervalMs,
    known,
  }: { readonly from: number; readonly intervalMs: number; readonly known: readonly string[] },
): StackedHistory {
  const shown = samples.filter(({ at }) => at >= from);
  const owners = ownersOf(shown, device, known);
  const times: number[] = [];
  const held: (number | null)[][] = [...owners, 'others'].map(() => []);
  let lastAt: number | undefined;
  for (const { at, devices } of shown) {
    const facts = devices[device];
    if (lastAt !== undefined && at - lastAt > intervalMs * GAP_INTERVALS) {
      times.push((lastAt + intervalMs) / 1000);
      for (const values of held) values.push(null);
    }
    times.push(at / 1000);
    held.forEach((values, index) => {
      const owner = owners[index];
      if (facts === undefined) values.push(null);
      else values.push(owner === undefined ? facts.usedByOthersBytes : (facts.models[owner] ?? 0));
    });
    lastAt = at;
  }
  return { times, owners, held, tops: stack(held) };
}

function ownersOf(samples: readonly MemorySample[], device: string, known: readonly string[]): string[] {
  const seen = new Set<string>();
  for (const { devices } of samples) {
    for (const [model, bytes] of Object.entries(devices[device]?.models ?? {})) if (bytes > 0) seen.add(model);
  }
  return [...known.filter((id) => seen.delete(id)), ...seen];
}

function stack(held: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const sums: (number | null)[][] = [];
  for (const values of held) {
    const below = sums.at(-1);
    sums.push(
      values.map((value, index) => {
        if (value === null) return null;
        return value + (below?.[index] ?? 0);
      }),
    );
  }
  return sums;
}

/** A table needs no more rows than one can listen to: about every `everyMs`, and the newest. Positions in `times`. */
export function pickRows(times: readonly number[], everyMs: number): number[] {
  const rows: number[] = [];
  for (let index = times.length - 1; index >= 0; index -= 1) {
    const last = rows.at(-1);
    const isDue = last === undefined || ((times[last] ?? 0) - (times[index] ?? 0)) * 1000 >= everyMs;
    if (isDue) rows.push(index);
  }
  return rows;
}
