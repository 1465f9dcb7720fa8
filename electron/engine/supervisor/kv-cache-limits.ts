/** How much saved conversations may cost: disk and waiting time. Pure. */

/** One model's saved conversations. */
export interface SavedSet {
  readonly name: string;
  readonly sizeBytes: number;
  /** When they were saved; 0 for what is not complete. */
  readonly savedAtMs: number;
  /** Being saved or restored, and not to be touched. */
  readonly isBusy: boolean;
}

/** Which sets go so that the rest fits, oldest first. What is busy stays, so that the rest may be too large for once. */
export function decideRemovals(sets: readonly SavedSet[], maxBytes: number): string[] {
  let totalBytes = sets.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const removed: string[] = [];
  for (const set of [...sets].sort((a, b) => a.savedAtMs - b.savedAtMs)) {
    if (totalBytes <= maxBytes) break;
    if (set.isBusy) continue;
    totalBytes -= set.sizeBytes;
    removed.push(set.name);
  }
  return removed;
}

/** Whoever makes room for another model waits for a save: 5 s write some gigabytes on today's disks. */
const MAX_SAVE_MS = 5000;

/** Saving is part of stopping, and leaves half of the time before the kill to an exit in order. */
export function saveBudgetMs(graceMs: number): number {
  return Math.min(MAX_SAVE_MS, graceMs / 2);
}

const RESTORE_BASE_MS = 2000;
/** What a hard disk reads; whoever is slower is quicker to calculate the prompt anew. */
const RESTORE_BYTES_PER_MS = 100_000;

export function restoreBudgetMs(sizeBytes: number): number {
  return RESTORE_BASE_MS + sizeBytes / RESTORE_BYTES_PER_MS;
}
