import { useState } from 'react';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import { holdRows, toRows, type QueueRow } from './queue-rows.ts';

export interface HeldRows {
  readonly rows: readonly QueueRow[];
  /** For the element around the rows: nothing moves while the pointer, or the focus of a keyboard, is in it. */
  readonly holdProps: {
    onPointerEnter(): void;
    onPointerLeave(): void;
    onFocus(event: { readonly target: Element }): void;
    onBlur(event: { readonly currentTarget: Element; readonly relatedTarget: EventTarget | null }): void;
  };
}

interface Held {
  readonly queue: readonly QueueEntryView[];
  readonly rows: readonly QueueRow[];
  readonly hasPointer: boolean;
  readonly hasFocus: boolean;
}

export function useHeldRows(queue: readonly QueueEntryView[]): HeldRows {
  const [held, setHeld] = useState<Held>(() => ({ queue, rows: toRows(queue), hasPointer: false, hasFocus: false }));
  if (held.queue !== queue) setHeld(follow({ ...held, queue }));

  const change = (part: Partial<Held>): void => setHeld((before) => follow({ ...before, ...part }));
  return {
    rows: held.rows,
    holdProps: {
      onPointerEnter: () => change({ hasPointer: true }),
      onPointerLeave: () => change({ hasPointer: false }),
      // A button keeps the focus after a click, long after the hand has gone.
      onFocus: ({ target }) => change({ hasFocus: target.matches(':focus-visible') }),
      onBlur({ currentTarget, relatedTarget }) {
        if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) change({ hasFocus: false });
      },
    },
  };
}

function follow(held: Held): Held {
  const isHeld = held.hasPointer || held.hasFocus;
  return { ...held, rows: isHeld ? holdRows(held.rows, held.queue) : toRows(held.queue) };
}
