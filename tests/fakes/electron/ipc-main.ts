import { EventEmitter } from 'node:events';
import type { IpcMain } from 'electron';

export type InvokeHandler = Parameters<IpcMain['handle']>[1];

/** `ipcMain`, and the `ipc` of contents and frames. */
export class IpcMainStandIn extends EventEmitter implements Pick<IpcMain, 'handle' | 'handleOnce' | 'removeHandler'> {
  readonly #handlers = new Map<string, { handler: InvokeHandler; isOnce: boolean }>();

  constructor() {
    super();
    this.setMaxListeners(0);
  }

  handle(channel: string, handler: InvokeHandler): void {
    this.#add(channel, handler, false);
  }

  handleOnce(channel: string, handler: InvokeHandler): void {
    this.#add(channel, handler, true);
  }

  removeHandler(channel: string): void {
    this.#handlers.delete(channel);
  }

  /** The handler that is to answer now. */
  takeHandler(channel: string): InvokeHandler | undefined {
    const entry = this.#handlers.get(channel);
    if (entry?.isOnce === true) this.#handlers.delete(channel);
    return entry?.handler;
  }

  #add(channel: string, handler: InvokeHandler, isOnce: boolean): void {
    if (this.#handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.#handlers.set(channel, { handler, isOnce });
  }
}

export const ipcMain = new IpcMainStandIn();
