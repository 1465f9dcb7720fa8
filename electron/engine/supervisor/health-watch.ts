import type { Clock, Timer } from '../ports/clock.ts';
import { probeHealth } from './readiness.ts';
import type { Endpoint } from './endpoint.ts';

/** A hung process is to be noticed within 10 s: a rest and three probes that nobody answers make 8. */
const REST_MS = 2000;
/** While an answer comes nobody needs to ask; but one that hangs right after a piece of it must be noticed as soon. */
const REST_AFTER_PIECES_MS = 500;
const PROBE_TIMEOUT_MS = 2000;
const MAX_MISSES = 3;

/**
 * Asks a ready process every few seconds whether it is still there, and calls `onHung` once if it stays silent. Any answer
 * counts, whatever its status: a server may well say that it is busy. So do bytes of an answer that came meanwhile, since
 * simple servers do nothing else while they generate. Returns the function that ends the watch.
 */
export function watchHealth(options: {
  endpoint: Endpoint;
  path: string;
  /** How long silence is borne while the process has a request to answer. */
  busyPatienceMs: number;
  clock: Clock;
  onHung(silentMs: number): void;
}): () => void {
  const { endpoint, path, busyPatienceMs, clock, onHung } = options;
  const ending = new AbortController();
  let timer: Timer | undefined;
  let misses = 0;
  let silentSinceMs = clock.nowMs();
  let piecesKnown = endpoint.piecesSeen;

  function look(): void {
    if (endpoint.piecesSeen === piecesKnown) {
      void probe();
      return;
    }
    piecesKnown = endpoint.piecesSeen;
    misses = 0;
    silentSinceMs = clock.nowMs();
    timer = clock.setTimer(REST_AFTER_PIECES_MS, look);
  }

  async function probe(): Promise<void> {
    const piecesBefore = endpoint.piecesSeen;
    let isAlive: boolean;
    try {
      const answer = await probeHealth(endpoint.listen, path, {
        timeoutMs: PROBE_TIMEOUT_MS,
        signal: ending.signal,
        apiKey: endpoint.apiKey,
      });
      isAlive = answer !== undefined || endpoint.piecesSeen !== piecesBefore;
    } catch {
      return; // The watch was ended.
    }
    if (isAlive) {
      misses = 0;
      silentSinceMs = clock.nowMs();
    } else misses += 1;
    const silentMs = clock.nowMs() - silentSinceMs;
    const isPatient = endpoint.runningRequests > 0 && silentMs < busyPatienceMs;
    if (misses >= MAX_MISSES && !isPatient) onHung(silentMs);
    else timer = clock.setTimer(misses === 0 ? REST_MS : 0, look);
  }

  timer = clock.setTimer(REST_MS, look);
  return () => {
    timer?.cancel();
    ending.abort();
  };
}
