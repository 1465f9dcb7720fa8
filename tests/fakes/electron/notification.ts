import { EventEmitter } from 'node:events';
import type { Notification, NotificationConstructorOptions } from 'electron';

const shown: NotificationStandIn[] = [];

export class NotificationStandIn
  extends EventEmitter
  implements Pick<Notification, 'title' | 'body' | 'silent' | 'show' | 'close'>
{
  title: string;
  body: string;
  silent: boolean;

  constructor(options: NotificationConstructorOptions = {}) {
    super();
    this.title = options.title ?? '';
    this.body = options.body ?? '';
    this.silent = options.silent ?? false;
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    shown.push(this);
    this.emit('show', {});
  }

  close(): void {
    this.emit('close', {});
  }
}

/** All that were shown, oldest first. */
export function shownNotifications(): readonly NotificationStandIn[] {
  return shown;
}
