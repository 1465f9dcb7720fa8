import type { NotificationContent } from './decide-notifications.ts';

export interface NotificationBudget {
  /** What to show of a piece of news that came at a time (monotonic milliseconds); undefined for nothing. */
  admit(content: NotificationContent, nowMs: number): NotificationContent | undefined;
}

const MAX_PER_MINUTE = 4;
const MINUTE_MS = 60_000;
/** A model that crashes again and again is news once in a while. */
const REPEAT_AFTER_MS = 10 * MINUTE_MS;

/** Keeps trouble that comes in heaps from becoming a heap of notifications: the last one of a minute stands for the rest. */
export function createNotificationBudget(): NotificationBudget {
  const toldAtMs = new Map<string, number>();
  let shownAtMs: number[] = [];

  return {
    admit(content, nowMs) {
      for (const [key, atMs] of toldAtMs) if (nowMs - atMs >= REPEAT_AFTER_MS) toldAtMs.delete(key);
      if (toldAtMs.has(content.key)) return undefined;
      toldAtMs.set(content.key, nowMs);
      shownAtMs = shownAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
      if (shownAtMs.length >= MAX_PER_MINUTE) return undefined;
      shownAtMs.push(nowMs);
      if (shownAtMs.length < MAX_PER_MINUTE) return content;
      return { key: 'more', title: 'Several models need attention', body: 'Corral shows what happened.', page: 'herd' };
    },
  };
}
