import { EventEmitter } from 'node:events';
import type { WebContents, WindowOpenHandlerResponse } from 'electron';
import { bindingName, ensureBrowser, receiverName } from './browser.ts';
import { deliverMessage } from './deliver-message.ts';
import { IpcMainStandIn } from './ipc-main.ts';
import { openPageTarget, type PageTarget } from './page-target.ts';
import { preventable } from './preventable.ts';
import { composePreloadScript } from './preload-script.ts';
import { toAppUrl, toPageUrl } from './scheme-server.ts';
import { defaultSession, type SessionStandIn } from './session.ts';
import { WebFrameMainStandIn } from './web-frame-main.ts';

export interface WebContentsOptions {
  readonly preloadFile: string | undefined;
  readonly width: number;
  readonly height: number;
  /** The page is gone, for good. */
  onClosed(): void;
}

type OpenHandler = (details: {
  readonly url: string;
  readonly frameName: string;
  readonly features: string;
  readonly disposition: 'foreground-tab';
  readonly referrer: { readonly url: string; readonly policy: 'strict-origin-when-cross-origin' };
}) => WindowOpenHandlerResponse;

const noFrame = new WebFrameMainStandIn('', null, {
  post: () => undefined,
  evaluate: () => Promise.reject(new Error('The page does not exist yet.')),
});

/** Checked against Electron's declarations. */
type DeclaredNames =
  | 'id'
  | 'getURL'
  | 'getTitle'
  | 'isDestroyed'
  | 'isCrashed'
  | 'isLoading'
  | 'send'
  | 'loadURL'
  | 'reload'
  | 'forcefullyCrashRenderer'
  | 'executeJavaScript'
  | 'setWindowOpenHandler'
  | 'close'
  | 'openDevTools'
  | 'focus';

let lastId = 0;
const all = new Map<number, WebContentsStandIn>();

/** The contents of a window: a page of Chromium, which is made in the background. */
export class WebContentsStandIn extends EventEmitter implements Pick<WebContents, DeclaredNames> {
  readonly id = (lastId += 1);
  readonly ipc = new IpcMainStandIn();
  readonly session: SessionStandIn = defaultSession;
  readonly #options: WebContentsOptions;
  readonly #opening: Promise<PageTarget>;
  #target: PageTarget | undefined;
  #openHandler: OpenHandler | undefined;
  #isDestroyed = false;
  #isCrashed = false;
  #isLoading = false;
  #title = '';
  /** How many documents the app itself has asked for, which nobody may prevent. */
  #ownLoads = 0;
  /** What `loadURL` waits for. */
  #load: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(options: WebContentsOptions) {
    super();
    this.setMaxListeners(0);
    this.#options = options;
    all.set(this.id, this);
    this.#opening = this.#open();
    this.#opening.catch((thrown: unknown) => {
      if (!this.#isDestroyed) process.stderr.write(`[stand-in] A page could not be opened: ${String(thrown)}\n`);
    });
  }

  get mainFrame(): WebFrameMainStandIn {
    return this.#target?.mainFrame ?? noFrame;
  }

  /** The page itself, for the driver. */
  get opening(): Promise<PageTarget> {
    return this.#opening;
  }

  getURL(): string {
    return this.mainFrame.url;
  }

  getTitle(): string {
    return this.#title;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  isCrashed(): boolean {
    return this.#isCrashed;
  }

  isLoading(): boolean {
    return this.#isLoading;
  }

  send(channel: string, ...args: unknown[]): void {
    this.mainFrame.send(channel, ...args);
  }

  async loadURL(url: string): Promise<void> {
    const target = await this.#opening;
    this.#load?.reject(new Error(`ERR_ABORTED (-3) loading '${url}'`));
    const loaded = new Promise<void>((resolve, reject) => (this.#load = { resolve, reject }));
    loaded.catch(() => undefined); // Thrown below, unless the navigation itself says more.
    this.#ownLoads += 1;
    const answer = await target.send('Page.navigate', { url: toPageUrl(url) });
    if (typeof answer['errorText'] === 'string') {
      this.emit('did-fail-load', {}, -2, answer['errorText'], url, true, 1, 1);
      throw new Error(`${answer['errorText'].replace('net::', '')} loading '${url}'`);
    }
    await loaded;
  }

  reload(): void {
    this.#ownLoads += 1;
    this.#isCrashed = false;
    this.#inBackground(async (target) => await target.send('Page.reload'));
  }

  forcefullyCrashRenderer(): void {
    this.#inBackground(async (target) => await target.send('Page.crash'));
  }

  executeJavaScript(code: string): Promise<unknown> {
    return this.mainFrame.executeJavaScript(code);
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler;
  }

  close(): void {
    this.#inBackground(async (target) => await target.close());
  }

  openDevTools(): void {
    this.emit('devtools-opened');
  }

  focus(): void {
    this.emit('focus');
  }

  /** For the window: no event of the page is told from now on. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    all.delete(this.id);
    this.#load?.reject(new Error('The window was closed.'));
    this.emit('destroyed');
    this.#opening.then(
      (target) => void target.close(),
      () => undefined,
    );
  }

  #inBackground(work: (target: PageTarget) => Promise<unknown>): void {
    this.#opening.then(work).catch((thrown: unknown) => {
      const isExpected = this.#isDestroyed || this.#isCrashed || String(thrown).includes('crashed');
      if (!isExpected) process.stderr.write(`[stand-in] ${String(thrown)}\n`);
    });
  }

  async #open(): Promise<PageTarget> {
    const { width, height, preloadFile } = this.#options;
    const browser = await ensureBrowser();
    const { targetId, sessionId } = await browser.createPage(width, height);
    this.#target = await openPageTarget({
      pipe: browser.chromium.pipe,
      targetId,
      sessionId,
      binding: bindingName,
      receiver: receiverName,
      preloadScript: composePreloadScript(preloadFile),
      listener: {
        onMessage: (frame, message) => {
          if (!this.#isDestroyed) deliverMessage(this, frame, message);
        },
        mayNavigate: (frame, url) => this.#mayNavigate(frame, toAppUrl(url)),
        onWindowOpen: (url, frameName, features) => this.#openWindow(toAppUrl(url), frameName, features),
        onStartNavigation: (frame, url, isSameDocument) => {
          const isMainFrame = frame === this.mainFrame;
          if (isMainFrame && !isSameDocument) this.#isLoading = true;
          const details = { url: toAppUrl(url), isSameDocument, isMainFrame, frame };
          this.emit('did-start-navigation', details, details.url, isSameDocument, isMainFrame, 1, frame.routingId);
        },
        onNavigated: (frame, isSameDocument) => {
          if (frame !== this.mainFrame) return;
          this.emit(
            isSameDocument ? 'did-navigate-in-page' : 'did-navigate',
            {},
            frame.url,
            isSameDocument ? true : 200,
          );
        },
        onDomReady: () => {
          this.emit('dom-ready', {});
          this.#inBackground(async () => this.#setTitle(String(await this.executeJavaScript('document.title'))));
        },
        onLoad: () => {
          if (this.getURL() === 'about:blank') return;
          this.#isLoading = false;
          this.emit('did-finish-load', {});
          this.#load?.resolve();
          this.#load = undefined;
        },
        onStopLoading: () => {
          this.#isLoading = false;
          this.emit('did-stop-loading', {});
        },
        onCrash: () => {
          if (this.#isDestroyed) return;
          this.#isCrashed = true;
          this.#load?.reject(new Error('The page crashed.'));
          this.#load = undefined;
          this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 });
        },
        onClosed: () => this.#options.onClosed(),
      },
    });
    if (this.#isDestroyed) await this.#target.close();
    return this.#target;
  }

  #setTitle(title: string): void {
    if (this.#isDestroyed || title === this.#title) return;
    this.#title = title;
    this.emit('page-title-updated', preventable(), title, true);
  }

  #mayNavigate(frame: WebFrameMainStandIn, url: string): boolean {
    if (this.#isDestroyed) return false;
    const isMainFrame = frame === this.mainFrame || this.#target === undefined;
    if (isMainFrame && this.#ownLoads > 0) {
      this.#ownLoads -= 1;
      return true;
    }
    const event = preventable({ url, isMainFrame, isSameDocument: false, frame });
    this.emit('will-frame-navigate', event);
    if (isMainFrame) this.emit('will-navigate', event, url, false, true, 1, frame.routingId);
    return !event.defaultPrevented;
  }

  #openWindow(url: string, frameName: string, features: string): void {
    const referrer = { url: this.getURL(), policy: 'strict-origin-when-cross-origin' } as const;
    const decision = this.#openHandler?.({ url, frameName, features, disposition: 'foreground-tab', referrer });
    if (decision?.action !== 'deny') {
      process.stderr.write(`[stand-in] A page may open ${url}, but windows of pages are not part of the stand-in.\n`);
    }
  }
}

export const webContents = {
  getAllWebContents: (): WebContentsStandIn[] => [...all.values()],
  fromId: (id: number): WebContentsStandIn | undefined => all.get(id),
};
