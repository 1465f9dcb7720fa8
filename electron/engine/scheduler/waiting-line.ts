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
  /** `slot` until a reason was noted. */
  waitReason(requestId: string): WaitReason;
  /** Where a request stands among those that wait for its model, 1 being the next to be served, and how many they are. */
  placeOf(entry: WaitingEntry): Place;
  /** Requests, loads left out; `describe` adds what the line does not know, given the place as in `placeOf`. */
  view(describe: (entry: WaitingEntry, place: number) => WaitDescription): QueueEntryView[];
}

export interface Place {
  readonly place: number;
  readonly total: number;
}

export type WaitDescription = Pick<QueueEntryView, 'reason' | 'expectedWaitMs'>;

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

  function waitReason(requestId: string): WaitReason {
    return reasons.get(requestId) ?? 'slot';
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
    waitReason,
    placeOf(entry) {
      let place = 0;
      for (const other of entries) {
        if (other.kind === 'request' && other.modelId === entry.modelId) place += 1;
        if (other === entry) break;
      }
      return { place, total: requestCounts.get(entry.modelId) ?? 0 };
    },
    view(describe) {
      const places = new Map<string, number>();
      return entries
        .filter((entry) => entry.kind === 'request')
        .map((entry, index) => {
          const place = (places.get(entry.modelId) ?? 0) + 1;
          places.set(entry.modelId, place);
          return {
            id: entry.id,
            modelId: entry.modelId,
            lane: entry.lane,
            priority: entry.priority,
            waitsFor: waitReason(entry.id),
            position: index + 1,
            enqueuedAt: entry.enqueuedWallMs,
            ...describe(entry, place),
          };
        });
    },
  };
}
