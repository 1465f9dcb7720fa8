/** What the bench asks of the load generator, and what that answers: one message each way a run. */
export interface LoadRun {
  readonly port: number;
  readonly connections: number;
  /** The JSON of each request. */
  readonly body: string;
  /** Until this has passed, or until this many requests were begun, whichever comes first. */
  readonly durationMs: number;
  readonly maxRequests: number;
  /** Events each answer must have; undefined for answers that are no streams. */
  readonly events?: number;
  /** Whether events are compared with the time at which they were sent. */
  readonly isPaced?: boolean;
}

/** Microseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly events: number;
  /** From the first request to the last byte of the last answer. */
  readonly elapsedMs: number;
  /** From a request to the end of its answer. */
  readonly latencyUs: Latencies;
  /** From a request to the first byte of its answer's body; streams only. */
  readonly firstChunkUs: Latencies | undefined;
  /** From an event's sending to its arrival; paced streams only. */
  readonly relayUs: Latencies | undefined;
}

export type LoadAnswer = { readonly result: LoadResult } | { readonly failure: string };
