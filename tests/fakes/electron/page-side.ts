import { decodeClone, encodeClone } from './clone-codec.ts';
import { toExposed } from './context-bridge.ts';
import type { FromPage, ToPage } from './page-messages.ts';

/**
 * What a sandboxed preload script has of Electron, inside a page of Chromium: `ipcRenderer` and `contextBridge`. Bundled
 * into the script that every page of the stand-in begins with; what connects it to the main process is taken off the
 * window before the preload script, and so long before the page.
 */

export interface PageSideOptions {
  /** The window. */
  readonly globals: Record<string, unknown>;
  /** The global function that Chromium hands texts on by, and the global that texts are handed to. */
  readonly binding: string;
  readonly receiver: string;
  readonly process: Readonly<Record<string, unknown>>;
}

type RendererListener = (event: unknown, ...args: unknown[]) => void;

export interface PageSide {
  require(name: string): unknown;
  readonly process: Readonly<Record<string, unknown>>;
}

export function createPageSide(options: PageSideOptions): PageSide {
  const { globals } = options;
  const post = globals[options.binding] as (text: string) => void;
  Reflect.deleteProperty(globals, options.binding);

  const listeners = new Map<string, { listener: RendererListener; isOnce: boolean }[]>();
  const invokes = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let lastInvoke = 0;

  const send = (message: FromPage): void => post(JSON.stringify(message));
  const add = (channel: string, listener: RendererListener, isOnce: boolean): void => {
    listeners.set(channel, [...(listeners.get(channel) ?? []), { listener, isOnce }]);
  };
  const remove = (channel: string, listener: RendererListener): void => {
    const kept = listeners.get(channel) ?? [];
    const index = kept.findLastIndex((each) => each.listener === listener);
    if (index >= 0) listeners.set(channel, kept.toSpliced(index, 1));
  };

  const ipcRenderer = {
    send(channel: string, ...args: unknown[]): void {
      send({ kind: 'send', channel, args: encodeClone(args) });
    },
    invoke(channel: string, ...args: unknown[]): Promise<unknown> {
      lastInvoke += 1;
      const id = lastInvoke;
      return new Promise((resolve, reject) => {
        const encoded = encodeClone(args);
        invokes.set(id, { resolve, reject });
        send({ kind: 'invoke', id, channel, args: encoded });
      });
    },
    on(channel: string, listener: RendererListener) {
      add(channel, listener, false);
      return ipcRenderer;
    },
    once(channel: string, listener: RendererListener) {
      add(channel, listener, true);
      return ipcRenderer;
    },
    off(channel: string, listener: RendererListener) {
      remove(channel, listener);
      return ipcRenderer;
    },
    addListener: (channel: string, listener: RendererListener) => ipcRenderer.on(channel, listener),
    removeListener: (channel: string, listener: RendererListener) => ipcRenderer.off(channel, listener),
    removeAllListeners(channel?: string) {
      if (channel === undefined) listeners.clear();
      else listeners.delete(channel);
      return ipcRenderer;
    },
    listenerCount: (channel: string) => listeners.get(channel)?.length ?? 0,
  };

  function receive(text: string): void {
    const message = JSON.parse(text) as ToPage;
    if (message.kind === 'answer') {
      const invoke = invokes.get(message.id);
      invokes.delete(message.id);
      if (message.error === undefined) invoke?.resolve(decodeClone(message.value));
      else invoke?.reject(new Error(message.error));
      return;
    }
    const args = decodeClone(message.args) as unknown[];
    for (const { listener, isOnce } of listeners.get(message.channel) ?? []) {
      if (isOnce) remove(message.channel, listener);
      listener({ sender: ipcRenderer, ports: [] }, ...args);
    }
  }
  Object.defineProperty(globals, options.receiver, { value: receive, enumerable: false });

  const contextBridge = {
    exposeInMainWorld(name: string, api: unknown): void {
      if (name in globals) {
        throw new Error(`Cannot bind an API on top of an existing property on the window object: ${name}`);
      }
      Object.defineProperty(globals, name, { value: toExposed(api), enumerable: true, writable: false });
    },
  };

  const electron = { ipcRenderer, contextBridge };
  return {
    process: options.process,
    require(name) {
      if (name === 'electron' || name === 'electron/renderer') return electron;
      throw new Error(`module not found: ${name}`);
    },
  };
}
