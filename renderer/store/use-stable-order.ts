import { useState } from 'react';

export interface StableOrder<Item> {
  readonly items: readonly Item[];
  /** For the element around the list: the order stays while the pointer or the focus is in it. */
  readonly holdProps: {
    onPointerEnter(): void;
    onPointerLeave(): void;
    onFocus(): void;
    onBlur(event: { currentTarget: Element; relatedTarget: EventTarget | null }): void;
  };
}

/** Nothing moves under a hand: while it is held, the order of a list stays; what is new comes last, what is gone leaves. */
export function useStableOrder<Item>(items: readonly Item[], keyOf: (item: Item) => string): StableOrder<Item> {
  const [held, setHeld] = useState<readonly string[] | undefined>(undefined);
  const shown = held === undefined ? items : keepOrder(items, keyOf, held);
  const hold = (): void => setHeld((before) => before ?? items.map(keyOf));
  const release = (): void => setHeld(undefined);
  return {
    items: shown,
    holdProps: {
      onPointerEnter: hold,
      onPointerLeave: release,
      onFocus: hold,
      onBlur({ currentTarget, relatedTarget }) {
        if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) release();
      },
    },
  };
}

export function keepOrder<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  order: readonly string[],
): readonly Item[] {
  const places = new Map(order.map((key, index) => [key, index]));
  const placeOf = (item: Item): number => places.get(keyOf(item)) ?? Number.MAX_SAFE_INTEGER;
  return [...items].sort((left, right) => placeOf(left) - placeOf(right));
}
