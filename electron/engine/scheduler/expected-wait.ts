import type { ModelState } from '#shared/model/model-state.ts';
import type { WaitReason } from './view.ts';

/** How long a waiting request may expect to wait, from what its model did lately. Pure. */

/** A model as far as it tells how long those wait who want it. */
export interface WaitedModelFacts {
  readonly state: ModelState;
  readonly activeRequests: number;
  /** Requests it gets at once. */
  readonly concurrency: number;
  /** Mean time a request held its slot lately; null until one has. */
  readonly meanServiceMs: number | null;
  /** From spawn to ready, of the last successful start; null before one. */
  readonly lastLoadMs: number | null;
  /** Time since it came into its state. */
  readonly inStateMs: number;
  /** Time until it may be started again after a failure; 0 or less: now. */
  readonly startsInMs: number;
}

/**
 * The milliseconds until a request gets its slot; null where that cannot be known. `place` is 1 for the request that is
 * served next of all that wait for the model.
 *
 * What is left of the load (by the last one) comes first. Then the slots that are free are filled, and each of the others
 * becomes free `meanServiceMs` after it was taken, one every `meanServiceMs / concurrency` on the average:
 * `wait = load + max(0, place − free slots) × meanServiceMs ÷ concurrency`.
 *
 * Room that other models have to make, a lane's limit and an eject end when somebody else says so: null.
 */
export function expectedWaitMs(model: WaitedModelFacts, waitsFor: WaitReason, place: number): number | null {
  const untilReadyMs = expectedUntilReadyMs(model, waitsFor);
  if (untilReadyMs === null) return null;
  const freeSlots = Math.max(0, model.concurrency - model.activeRequests);
  const turns = Math.max(0, place - freeSlots);
  if (turns === 0) return Math.round(untilReadyMs);
  if (model.meanServiceMs === null) return null;
  return Math.round(untilReadyMs + (turns * model.meanServiceMs) / Math.max(1, model.concurrency));
}

function expectedUntilReadyMs(model: WaitedModelFacts, waitsFor: WaitReason): number | null {
  const { state, lastLoadMs, inStateMs } = model;
  switch (state) {
    case 'ready':
      return waitsFor === 'slot' ? 0 : null;
    case 'starting':
      return lastLoadMs;
    case 'loading':
      // A load that takes longer than the last one has no end that could be foretold.
      return lastLoadMs === null || inStateMs > lastLoadMs ? null : lastLoadMs - Math.max(0, inStateMs);
    case 'off':
    case 'crashed':
      if (lastLoadMs === null) return null;
      if (waitsFor === 'restart-delay') return Math.max(0, model.startsInMs) + lastLoadMs;
      return waitsFor === 'load' ? lastLoadMs : null;
    case 'draining':
    case 'stopping':
    case 'failed':
      return null;
  }
}

/** Weight of the newest request: the mean is that of about the last ten, and half of it that of the last three. */
const NEWEST_WEIGHT = 0.2;

/** The exponentially weighted mean after one more sample; the first sample is the mean. */
export function nextMeanMs(meanMs: number | null, sampleMs: number): number {
  return meanMs === null ? sampleMs : meanMs + NEWEST_WEIGHT * (sampleMs - meanMs);
}

/** Long enough that one who tries again does not only add to the queue, short enough not to look like a refusal. */
const UNKNOWN_RETRY_SECONDS = 2;
const MAX_RETRY_SECONDS = 60;

/** What `Retry-After` says to a request that had to be refused: its expected wait, from 1 to 60 s; 2 where it is unknown. */
export function retryAfterSeconds(expectedMs: number | null): number {
  if (expectedMs === null) return UNKNOWN_RETRY_SECONDS;
  return Math.min(MAX_RETRY_SECONDS, Math.max(1, Math.ceil(expectedMs / 1000)));
}
