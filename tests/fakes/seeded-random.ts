/** Numbers that look random and are the same for the same seed. */
export interface SeededRandom {
  /** From 0 up to, not including, 1. */
  next(): number;
  between(least: number, most: number): number;
  /** Both ends included. */
  integer(least: number, most: number): number;
  isChance(probability: number): boolean;
  pick<Value>(values: readonly Value[]): Value;
  /** Rank from 0 below `count`; rank n comes 1/(n+1)^`exponent` as often as rank 0. */
  zipf(count: number, exponent: number): number;
  /** With this mean, as the gaps of independent arrivals are. */
  exponential(mean: number): number;
}

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state, good enough for traces. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    integer,
    between: (least, most) => least + next() * (most - least),
    isChance: (probability) => next() < probability,
    pick: (values) => {
      const value = values[integer(0, values.length - 1)];
      if (value === undefined) throw new Error('There is nothing to pick from.');
      return value;
    },
    zipf(count, exponent) {
      const weights = Array.from({ length: count }, (_, rank) => 1 / (rank + 1) ** exponent);
      let left = next() * weights.reduce((sum, each) => sum + each, 0);
      for (const [rank, weight] of weights.entries()) {
        left -= weight;
        if (left < 0) return rank;
      }
      return count - 1;
    },
    exponential: (mean) => -mean * Math.log(1 - next()),
  };
}
