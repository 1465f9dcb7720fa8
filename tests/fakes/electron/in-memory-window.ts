import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { deliverMessage } from './deliver-message.ts';
import { IpcMainStandIn } from './ipc-main.ts';
import type { FromPage, ToPage } from './page-messages.ts';
import { createPageSide } from './page-side.ts';
import { WebFrameMainStandIn } from './web-frame-main.ts';

/** Contents of a window that has no page, only the two ends of its IPC. */
export class InMemoryContents extends EventEmitter {
  readonly ipc = new IpcMainStandIn();
  readonly mainFrame: WebFrameMainStandIn;

  constructor(post: (message: ToPage) => void, url: string) {
    super();
    this.mainFrame = new WebFrameMainStandIn('1', null, {
      post: (_frameId, message) => post(message),
      evaluate: () => Promise.reject(new Error('There is no page.')),
    });
    this.mainFrame.setLocation(url, '');
  }

  send(channel: string, ...args: unknown[]): void {
    this.mainFrame.send(channel, ...args);
  }

  isDestroyed(): boolean {
    return this.mainFrame.detached;
  }

  destroy(): void {
    this.mainFrame.detach();
    this.emit('destroyed');
  }
}

export interface InMemoryWindow {
  readonly contents: InMemoryContents;
  /** What the preload script has exposed to the page. */
  readonly exposed: Readonly<Record<string, unknown>>;
  /** Whether messages to the page arrive; none is kept for later. */
  setLossy(isLossy: boolean): void;
  lostCount(): number;
}

/** Runs a built preload script between the main process and a page, both in this process; messages take a turn each. */
export function openInMemoryWindow(preloadFile: string, url: string): InMemoryWindow {
  const globals: Record<string, unknown> = {};
  let isLossy = false;
  let lostCount = 0;
  const contents = new InMemoryContents((message) => {
    if (isLossy && message.kind === 'message') {
      lostCount += 1;
      return;
    }
    setImmediate(() => (globals['receive'] as (text: string) => void)(JSON.stringify(message)));
  }, url);
  globals['send'] = (text: string): void => {
    setImmediate(() => deliverMessage(contents, contents.mainFrame, JSON.parse(text) as FromPage));
  };
  const side = createPageSide({
    globals,
    binding: 'send',
    receiver: 'receive',
    process: { platform: process.platform },
  });
  const run = compileFunction(readFileSync(preloadFile, 'utf8'), ['require', 'process', 'module', 'exports']);
  const module = { exports: {} };
  Reflect.apply(run, undefined, [side.require, side.process, module, module.exports]);
  return {
    contents,
    exposed: globals,
    lostCount: () => lostCount,
    setLossy(next) {
      isLossy = next;
    },
  };
}
