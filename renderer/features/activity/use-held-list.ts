import { useState } from 'react';

export interface HeldList<Item> {
  readonly items: readonly Item[];
  /** What came since, and is not shown yet. */
  readonly newCount: number;
  hold(): void;
  /** Shows what came, and what comes. */
  release(): void;
}

/** A list that is held shows what was there; newest first, everything would move under the hand with each that comes. */
export function useHeldList<Item>(items: readonly Item[], keyOf: (item: Item) => string): HeldList<Item> {
  const [held, setHeld] = useState<readonly Item[] | undefined>(undefined);
  return {
    items: held ?? items,
    newCount: held === undefined ? 0 : countNew(held, items, keyOf),
    hold: () => setHeld((before) => before ?? items),
    release: () => setHeld(undefined),
  };
}

/** How many of the newest were not there before. */
export function countNew<Item>(before: readonly Item[], now: readonly Item[], keyOf: (item: Item) => string): number {
  const first = before[0];
  if (first === undefined) return now.length;
  const index = now.findIndex((item) => keyOf(item) === keyOf(first));
  return index === -1 ? now.length : index;
}
