/** A model may end badly this often … */
const MAX_FAILURES = 5;
/** … within this time before it is given up. */
const FAILURE_WINDOW_MS = 5 * 60_000;
/** Pause after the first, second, … failure in the window. */
const RESTART_DELAYS_MS = [250, 1000, 3000, 9000] as const;

export type RestartDecision =
  { readonly kind: 'wait'; readonly untilMs: number } | { readonly kind: 'give-up'; readonly failures: number };

/**
 * What to do after a failure. Pure; `failureTimesMs` are the monotonic times of all failures so far, the newest last, and
 * must not be empty.
 */
export function decideRestart(failureTimesMs: readonly number[]): RestartDecision {
  const newestMs = failureTimesMs.at(-1) ?? 0;
  const recent = failureTimesMs.filter((timeMs) => timeMs > newestMs - FAILURE_WINDOW_MS).length;
  if (recent >= MAX_FAILURES) return { kind: 'give-up', failures: recent };
  return { kind: 'wait', untilMs: newestMs + (RESTART_DELAYS_MS[recent - 1] ?? 0) };
}
