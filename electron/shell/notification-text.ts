import { linuxNotificationBody } from './notification-text-linux.ts';

/** A body that the platform shows letter for letter. */
export function notificationBody(text: string, platform: NodeJS.Platform): string {
  return platform === 'linux' ? linuxNotificationBody(text) : text;
}
