import type { EndpointHealth } from './decide-endpoint.ts';

/** What is known of how an endpoint is, and when it is asked again. Pure. */
export interface EndpointState {
  readonly health: EndpointHealth;
  /** What was wrong, in words; undefined while it is well. */
  readonly problem: string | undefined;
  /** Checks and requests in a row that failed. */
  readonly failures: number;
  /** On the monotonic clock, as all times here. */
  readonly nextCheckMs: number;
  /** Until then it is chosen last, for it asked to be left alone. */
  readonly restsUntilMs: number;
}

export type EndpointNews =
  /** A check, or a request, was answered. */
  | { readonly kind: 'answered' }
  /** It is there and not ready. */
  | { readonly kind: 'loading'; readonly retryAfterMs: number | undefined }
  /** It could not be reached, or answered what no such server answers. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It refused one request with a status that says: not now, not here. */
  | { readonly kind: 'refused'; readonly status: number; readonly retryAfterMs: number | undefined }
  /** An answer broke off. */
  | { readonly kind: 'broke-off' };

const FIRST_RETRY_MS = 1000;
/** A machine that was switched off is seen within this once it is back. */
const LONGEST_RETRY_MS = 60_000;
/** For those who say nothing about when to come back. */
const REST_MS = 1000;
/** Behind a gateway that answers 502 or 504 something is broken, not busy. */
const REST_AFTER_GATEWAY_MS = 5000;

export function initialEndpointState(nowMs: number): EndpointState {
  return { health: 'unknown', problem: undefined, failures: 0, nextCheckMs: nowMs, restsUntilMs: nowMs };
}

export function nextEndpointState(
  state: EndpointState,
  news: EndpointNews,
  { nowMs, intervalMs }: { readonly nowMs: number; readonly intervalMs: number },
): EndpointState {
  switch (news.kind) {
    case 'answered':
      return { ...state, health: 'healthy', problem: undefined, failures: 0, nextCheckMs: nowMs + intervalMs };
    case 'loading': {
      const waitMs = Math.min(news.retryAfterMs ?? FIRST_RETRY_MS, intervalMs);
      return { ...state, health: 'loading', problem: 'it is loading', failures: 0, nextCheckMs: nowMs + waitMs };
    }
    case 'failed': {
      const failures = state.failures + 1;
      const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16), LONGEST_RETRY_MS);
      return { ...state, health: 'down', problem: news.reason, failures, nextCheckMs: nowMs + waitMs };
    }
    case 'refused': {
      const usual = news.status === 502 || news.status === 504 ? REST_AFTER_GATEWAY_MS : REST_MS;
      const restMs = Math.min(news.retryAfterMs ?? usual, LONGEST_RETRY_MS);
      return { ...state, restsUntilMs: Math.max(state.restsUntilMs, nowMs + restMs) };
    }
    case 'broke-off':
      return { ...state, nextCheckMs: nowMs };
  }
}

/** `Retry-After` (RFC 9110, section 10.2.3) in milliseconds; undefined if there is none that can be read. */
export function readRetryAfter(header: string | string[] | undefined, wallMs: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || text.trim() === '') return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallMs);
}
