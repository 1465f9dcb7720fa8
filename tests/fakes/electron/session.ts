import { EventEmitter } from 'node:events';
import { protocol } from './protocol.ts';

type RequestHandler = (
  contents: unknown,
  permission: string,
  callback: (isGranted: boolean) => void,
  details: unknown,
) => void;
type CheckHandler = (contents: unknown, permission: string, origin: string, details: unknown) => boolean;

/** A session, with the decisions about permissions that the app has registered. */
export class SessionStandIn extends EventEmitter {
  readonly protocol = protocol;
  #requestHandler: RequestHandler | null = null;
  #checkHandler: CheckHandler | null = null;

  setPermissionRequestHandler(handler: RequestHandler | null): void {
    this.#requestHandler = handler;
  }

  setPermissionCheckHandler(handler: CheckHandler | null): void {
    this.#checkHandler = handler;
  }

  /** What becomes of a page that asks; without a handler Electron grants everything. */
  requestPermission(contents: unknown, permission: string, details: unknown): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#requestHandler === null) resolve(true);
      else this.#requestHandler(contents, permission, resolve, details);
    });
  }

  checkPermission(contents: unknown, permission: string, origin: string): boolean {
    return this.#checkHandler?.(contents, permission, origin, {}) ?? true;
  }
}

export const defaultSession = new SessionStandIn();

export const session = {
  defaultSession,
  /** Partitions are one here. */
  fromPartition: (_partition: string): SessionStandIn => defaultSession,
};
