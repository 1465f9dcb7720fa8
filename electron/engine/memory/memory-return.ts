/** Allocators round, and drivers keep a little of what a process had. */
const TOLERANCE = 0.1;
const TOLERANCE_BYTES = 64 * 1024 * 1024;

/** What is known of a device when a process that used it is about to end, and now. */
export interface ReturnFacts {
  /** Free before the process ended; undefined if nobody looked. */
  readonly freeBeforeBytes: number | undefined;
  /** What it held, as measured, else as reserved. */
  readonly heldBytes: number;
  /** Free now; undefined where the device does not tell. */
  readonly freeNowBytes: number | undefined;
  /** Whether the device still counts memory to the process; undefined where it does not tell. */
  readonly isListed: boolean | undefined;
}

/**
 * Whether what a process held is free again. Drivers take their time after a process is gone, and a load that begins before
 * finds too little. Pure.
 */
export function hasComeBack(facts: ReturnFacts): boolean {
  const { freeBeforeBytes, heldBytes, freeNowBytes, isListed } = facts;
  if (isListed === true) return false;
  if (freeNowBytes === undefined) return true;
  if (freeBeforeBytes === undefined) return true;
  return freeNowBytes >= freeBeforeBytes + leastReturnBytes(heldBytes);
}

/** What is at least free again when what was held has come back. Pure. */
export function leastReturnBytes(heldBytes: number): number {
  return Math.max(0, heldBytes * (1 - TOLERANCE) - TOLERANCE_BYTES);
}
