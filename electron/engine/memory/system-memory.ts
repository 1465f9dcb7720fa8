export interface SystemMemory {
  /** What this process may use at most: all of the machine's, or the limit set for its group. */
  readonly totalBytes: number;
  /** What could be taken without swapping. Counts caches, and so the weights that are mapped from files. */
  readonly availableBytes: number;
}

/** Throws `probe-failed` if the system does not tell. */
export type ReadSystemMemory = (signal: AbortSignal) => Promise<SystemMemory>;
