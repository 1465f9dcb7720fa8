import type { ModelFacts } from './view.ts';

/** A load that takes no time at all is still a swap. */
const LEAST_RELOAD_MS = 250;

/**
 * Who goes first when room must be made: lower priority before higher, then whoever has not been used for longest in
 * proportion to what bringing it back costs. A model that loads in 2 s goes before one that loads in 40 s and was last used
 * ten times as long ago. Pure; `bench:scheduler` compares it with plain least-recently-used.
 */
export function compareForEviction(nowMs: number): (one: ModelFacts, other: ModelFacts) => number {
  const staleness = (model: ModelFacts): number =>
    (nowMs - model.lastUsedMs) / Math.max(LEAST_RELOAD_MS, model.reloadMs);
  return (one, other) => one.priority - other.priority || staleness(other) - staleness(one);
}
