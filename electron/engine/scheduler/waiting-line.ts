import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import type { Lease } from './lease.ts';
import type { WaitingFacts, WaitReason } from './view.ts';

export interface WaitingEntry extends WaitingFacts {
  readonly enqueuedWallMs: number;
  resolve(lease: Lease | undefined): void;
  reject(error: Error): void;
}

export interface WaitingLine {
  /** Puts an entry behind all of its priority. */
  add(entry: Omit<WaitingEntry, 'order'>): WaitingEntry;
  remove(entry: WaitingEntry): void;
  find(requestId: string): WaitingEntry | undefined;
  /** By priority, then age. */
  entries(): readonly WaitingEntry[];
  ofModel(modelId: string): readonly WaitingEntry[];
  /** Requests that wait, loads left out; of one model or of all. */
  countRequests(modelId?: string): number;
  size(): number;
  lastOrder(): number;
  /** Notes why each entry waits; true if any reason is new. */
  setReasons(reasons: ReadonlyMap<string, WaitReason>): boolean;
  view(): QueueEntryView[];
}

/** The queue itself: one line over all models, kept in order. */
export function createWaitingLine(): WaitingLine {
  let entries: WaitingEntry[] = [];
  const byId = new Map<string, WaitingEntry>();
  const reasons = new Map<string, WaitReason>();
  const requestCounts = new Map<string, number>();
  let requestTotal = 0;
  let order = 0;

  function count(entry: WaitingEntry, change: 1 | -1): void {
    if (entry.kind !== 'request') return;
    requestTotal += change;
    const next = (requestCounts.get(entry.modelId) ?? 0) + change;
    if (next === 0) requestCounts.delete(entry.modelId);
    else requestCounts.set(entry.modelId, next);
  }

  return {
    add(partial) {
      order += 1;
      const entry: WaitingEntry = { ...partial, order };
      const index = entries.findLastIndex((other) => other.priority >= entry.priority) + 1;
      // A new array each time: whoever holds the old one iterates over what it was.
      entries = entries.toSpliced(index, 0, entry);
      byId.set(entry.id, entry);
      count(entry, 1);
      return entry;
    },
    remove(entry) {
      if (!byId.delete(entry.id)) return;
      entries = entries.filter((other) => other !== entry);
      reasons.delete(entry.id);
      count(entry, -1);
    },
    find: (requestId) => byId.get(requestId),
    entries: () => entries,
    ofModel: (modelId) => entries.filter((entry) => entry.modelId === modelId),
    countRequests: (modelId) => (modelId === undefined ? requestTotal : (requestCounts.get(modelId) ?? 0)),
    size: () => entries.length,
    lastOrder: () => order,
    setReasons(next) {
      let hasChanged = false;
      for (const [requestId, reason] of next) {
        if (reasons.get(requestId) === reason || !byId.has(requestId)) continue;
        reasons.set(requestId, reason);
        hasChanged = true;
      }
      return hasChanged;
    },
    view: () =>
      entries
        .filter((entry) => entry.kind === 'request')
        .map((entry, index) => ({
          id: entry.id,
          modelId: entry.modelId,
          lane: entry.lane,
          priority: entry.priority,
          waitsFor: reasons.get(entry.id) ?? 'slot',
          position: index + 1,
          enqueuedAt: entry.enqueuedWallMs,
        })),
  };
}
