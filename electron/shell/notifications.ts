import { Notification } from 'electron';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { decideNotifications, type NotificationContent } from './decide-notifications.ts';
import { createNotificationBudget } from './notification-budget.ts';
import { notificationBody } from './notification-text.ts';

export interface NotificationsOptions {
  subscribeSnapshot(listener: (snapshot: Snapshot | undefined) => void): () => void;
  isEnabled(): boolean;
  openWindow(page?: string): void;
}

/** Some notification servers never say that one was closed. */
const MAX_KEPT = 20;

/** Tells of trouble as the system tells of such things. What was there from the beginning is no news. */
export function createNotifications(options: NotificationsOptions): { close(): void } {
  const budget = createNotificationBudget();
  /** Without a reference they would be collected, and a click on them would do nothing. */
  const shown = new Set<Notification>();
  let before: Snapshot | undefined;

  function show(content: NotificationContent): void {
    const notification = new Notification({
      title: content.title,
      body: notificationBody(content.body, process.platform),
    });
    const [oldest] = shown;
    if (oldest !== undefined && shown.size >= MAX_KEPT) shown.delete(oldest);
    shown.add(notification);
    notification.on('click', () => {
      shown.delete(notification);
      options.openWindow(content.page);
    });
    notification.on('close', () => shown.delete(notification));
    notification.on('failed', () => shown.delete(notification));
    notification.show();
  }

  const unsubscribe = options.subscribeSnapshot((after) => {
    const news = before === undefined || after === undefined ? [] : decideNotifications(before, after);
    before = after;
    if (news.length === 0 || !options.isEnabled() || !Notification.isSupported()) return;
    for (const content of news) {
      const admitted = budget.admit(content, performance.now());
      if (admitted !== undefined) show(admitted);
    }
  });

  return {
    close() {
      unsubscribe();
      for (const notification of shown) notification.close();
      shown.clear();
    },
  };
}
