/** Failures longer ago than this say nothing about the next one. */
const MEMORY_MS = 5 * 60_000;
/** The pause before each attempt; a page that failed once for no reason is back before one has understood. */
const DELAYS_MS = [250, 1000, 3000, 8000] as const;

/** Whether the window comes back after its process died, given when it did so (monotonic, oldest first, this time included). */
export function decideRecovery(
  failedAtMs: readonly number[],
  nowMs: number,
): { readonly kind: 'reopen'; readonly delayMs: number } | { readonly kind: 'give-up' } {
  const recent = failedAtMs.filter((atMs) => nowMs - atMs < MEMORY_MS);
  const delayMs = DELAYS_MS[recent.length - 1];
  return delayMs === undefined ? { kind: 'give-up' } : { kind: 'reopen', delayMs };
}
