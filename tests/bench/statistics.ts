/** A measure over the rounds of a run. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/** The value below which the given part (0 to 1) of the values lies; NaN for none. Sorts the values in place. */
export function percentile(values: number[] | Float64Array, part: number): number {
  values.sort((one, other) => one - other);
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return {
    median: (lower + upper) / 2,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    rounds: sorted.length,
  };
}

/** Round by round, so that what slows a whole round down falls out. */
export function ratioSpread(values: readonly number[], of: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value / (of[round] ?? Number.NaN)));
}

/** Past this, what else the machine did is a large part of what was measured. */
const WIDE_SPREAD = 0.5;

/** Whether most rounds lie so far apart that a comparison means little. */
export function isWide({ median, min, max }: Spread): boolean {
  return median > 0 && (max - min) / median > WIDE_SPREAD;
}
