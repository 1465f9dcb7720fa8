import type { Bridge } from '#shared/contract/bridge.ts';
import type { WindowBridge } from '#shared/contract/channels.ts';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import { createDesktopBridge, createIpcBridge, type DesktopBridge } from './ipc-bridge.ts';
import { readToken } from './token.ts';

declare global {
  interface Window {
    readonly corral?: WindowBridge;
  }
}

export interface Bridges {
  /** Undefined in a browser that was not given a token. */
  readonly bridge: Bridge | undefined;
  /** Undefined in a browser. */
  readonly desktop: DesktopBridge | undefined;
}

/** IPC where the preload script has exposed it, else HTTP to where the page came from. */
export function selectBridge(): Bridges {
  const windowBridge = window.corral;
  if (windowBridge !== undefined) {
    return { bridge: createIpcBridge(windowBridge), desktop: createDesktopBridge(windowBridge) };
  }
  const token = readToken();
  const bridge = token === undefined ? undefined : createHttpBridge({ address: location.origin, token });
  return { bridge, desktop: undefined };
}
