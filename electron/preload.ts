import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import { channels, type WindowBridge } from '#shared/contract/channels.ts';

/** Runs sandboxed in the window, before its page: hands the page the few calls it has of the desktop, and nothing else. */

type MessageListener = (event: IpcRendererEvent, message: unknown) => void;

let subscribed: MessageListener | undefined;

function endSubscription(): void {
  if (subscribed === undefined) return;
  ipcRenderer.off(channels.message, subscribed);
  subscribed = undefined;
}

const bridge: WindowBridge = {
  platform: process.platform,
  call: (name, request) => ipcRenderer.invoke(channels.call, name, request),
  callDesktop: (name, request) => ipcRenderer.invoke(channels.callDesktop, name, request),
  subscribe(onMessage) {
    endSubscription();
    const listener: MessageListener = (_event, message) => {
      ipcRenderer.send(channels.received);
      onMessage(message);
    };
    subscribed = listener;
    ipcRenderer.on(channels.message, listener);
    ipcRenderer.send(channels.subscribe);
    return () => {
      if (subscribed !== listener) return;
      endSubscription();
      ipcRenderer.send(channels.unsubscribe);
    };
  },
  onNavigate(onPage) {
    const listener: MessageListener = (_event, page) => onPage(page);
    ipcRenderer.on(channels.navigate, listener);
    return () => void ipcRenderer.off(channels.navigate, listener);
  },
};

contextBridge.exposeInMainWorld('corral', Object.freeze(bridge));
