/** Which endpoint a user was served by. Bounded: of too many, those who asked least lately are forgotten. */
export interface StickyTable {
  /** Undefined if there is none, or it is older than its time. */
  find(key: string, nowMs: number): string | undefined;
  remember(key: string, endpointKey: string, nowMs: number): void;
  configure(limits: StickyLimits): void;
  size(): number;
}

export interface StickyLimits {
  /** Since the last request. */
  readonly ttlMs: number;
  readonly maxEntries: number;
}

export function createStickyTable(initial: StickyLimits): StickyTable {
  /** In the order of use, the one used least lately first. */
  const entries = new Map<string, { endpointKey: string; usedMs: number }>();
  let limits = initial;

  function shrink(nowMs: number): void {
    // Those whose time is over are the first ones, too.
    for (const [key, { usedMs }] of entries) {
      if (entries.size <= limits.maxEntries && nowMs - usedMs < limits.ttlMs) break;
      entries.delete(key);
    }
  }

  return {
    find(key, nowMs) {
      const entry = entries.get(key);
      return entry === undefined || nowMs - entry.usedMs >= limits.ttlMs ? undefined : entry.endpointKey;
    },
    remember(key, endpointKey, nowMs) {
      entries.delete(key);
      entries.set(key, { endpointKey, usedMs: nowMs });
      shrink(nowMs);
    },
    configure(next) {
      limits = next;
    },
    size: () => entries.size,
  };
}
