import { useEffect, useState, type RefObject } from 'react';
import { countColumns } from './text-columns.ts';

/** So many characters of the log's font are in the probe, for a width that is exact enough. */
export const PROBE_TEXT = '0'.repeat(40);

/**
 * How many characters of a line there is room for beside its number and its time;
 * undefined until it is known.
 */
export function useTextColumns(
  scroller: RefObject<HTMLElement | null>,
  probe: RefObject<HTMLElement | null>,
  hasTime: boolean,
): number | undefined {
  const [columns, setColumns] = useState<number | undefined>(undefined);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const resized = new ResizeObserver(() => {
      const characterPx = (probe.current?.getBoundingClientRect().width ?? 0) / PROBE_TEXT.length;
      if (characterPx > 0) setColumns(countColumns(element.clientWidth, characterPx, hasTime));
    });
    resized.observe(element);
    return () => resized.disconnect();
  }, [scroller, probe, hasTime]);
  return columns;
}
