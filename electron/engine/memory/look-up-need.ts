import { needBytes, type DeviceNeed } from './estimate-need.ts';

/** What is known of a model's need from its earlier starts with the same arguments, devices and build. */
export interface LearnedNeed {
  /** What Corral expected at the last start. */
  readonly predicted: readonly DeviceNeed[];
  /** What llama-server forecast; null if it said nothing. */
  readonly forecast: readonly DeviceNeed[] | null;
  /** What it allocated; null if it never became ready. */
  readonly measured: readonly DeviceNeed[] | null;
  /** Whether `--fit` made the model smaller than its arguments ask for when that was measured. */
  readonly isShrunk: boolean;
  /** From spawning to readiness, the last five, oldest first. */
  readonly loadTimesMs: readonly number[];
  /** Of generation, at the last answer that was measured. */
  readonly tokensPerSecond: number | null;
}

export interface KnownNeed {
  readonly source: 'measured' | 'forecast' | 'estimate';
  readonly perDevice: readonly DeviceNeed[];
  readonly totalBytes: number;
  /** The median of the load times; undefined if it was never loaded like this. */
  readonly expectedLoadMs: number | undefined;
}

/**
 * The best knowledge there is: measured, else the server's forecast, else the estimate. A model that was made smaller to fit
 * would take more where there is more, so there the forecast of all that it asks for comes first. Pure.
 */
export function lookUpNeed(learned: LearnedNeed | undefined, estimated: readonly DeviceNeed[]): KnownNeed {
  const known = (source: KnownNeed['source'], perDevice: readonly DeviceNeed[]): KnownNeed => ({
    source,
    perDevice,
    totalBytes: totalOf(perDevice),
    expectedLoadMs: medianOf(learned?.loadTimesMs ?? []),
  });
  const measured = learned?.measured ?? undefined;
  const forecast = learned?.forecast ?? undefined;
  if (measured !== undefined && (learned?.isShrunk !== true || forecast === undefined)) {
    return known('measured', measured);
  }
  if (forecast !== undefined) return known('forecast', forecast);
  return known('estimate', estimated);
}

function totalOf(perDevice: readonly DeviceNeed[]): number {
  return perDevice.reduce((sum, need) => sum + needBytes(need), 0);
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}
