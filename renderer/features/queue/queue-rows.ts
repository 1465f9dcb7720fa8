import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';

/** What the queue's page shows of it. Pure. */

export interface QueueRow {
  readonly entry: QueueEntryView;
  /** It was there when the hand came, and does not wait any more. */
  readonly isGone: boolean;
}

export function toRows(queue: readonly QueueEntryView[]): readonly QueueRow[] {
  return queue.toSorted((one, other) => one.position - other.position).map((entry) => ({ entry, isGone: false }));
}

/**
 * Rows while a hand is on them: each stays where it is, with what is new of it; who is gone keeps the place, so that the
 * button under the hand never becomes that of somebody else; who is new comes last.
 */
export function holdRows(rows: readonly QueueRow[], queue: readonly QueueEntryView[]): readonly QueueRow[] {
  const waiting = new Map(queue.map((entry) => [entry.id, entry]));
  const kept = rows.map(({ entry }) => {
    const now = waiting.get(entry.id);
    return now === undefined ? { entry, isGone: true } : { entry: now, isGone: false };
  });
  const known = new Set(rows.map(({ entry }) => entry.id));
  return [...kept, ...toRows(queue.filter(({ id }) => !known.has(id)))];
}

/** `3 waiting · longest 4 min`; with nobody there is nothing to say. */
export function summariseQueue(queue: readonly QueueEntryView[], now: number): string {
  if (queue.length === 0) return '';
  const oldest = Math.min(...queue.map(({ enqueuedAt }) => enqueuedAt));
  return `${queue.length} waiting · longest ${describePassed(now - oldest)}`;
}

/** Models that are waited for, most first, with how many wait. */
export function countByModel(queue: readonly QueueEntryView[]): readonly (readonly [model: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const { modelId } of queue) counts.set(modelId, (counts.get(modelId) ?? 0) + 1);
  return [...counts].sort(([left, many], [right, more]) => more - many || (left < right ? -1 : 1));
}

/** A prediction from when the queue was told, counted down since. */
export function describeExpected({ expectedWaitMs }: QueueEntryView, queueAt: number, now: number): string {
  if (expectedWaitMs === null) return 'not known';
  const leftMs = expectedWaitMs - (now - queueAt);
  return leftMs < 500 ? 'any moment' : `≈${describeSeconds(leftMs)}`;
}

export function describeAge({ enqueuedAt }: QueueEntryView, now: number): string {
  return describePassed(now - enqueuedAt);
}

/** Seconds that have passed whole, so that all ages on the page change together. */
function describePassed(durationMs: number): string {
  return describeSeconds(Math.max(0, Math.floor(durationMs / 1000) * 1000));
}

/** Without tenths: a row that counts them does not read well. */
function describeSeconds(durationMs: number): string {
  return durationMs < 10_000 ? `${Math.round(durationMs / 1000)} s` : formatDuration(durationMs);
}
