import { EventEmitter } from 'node:events';
import type { BrowserWindow, BrowserWindowConstructorOptions, Rectangle } from 'electron';
import { preventable } from './preventable.ts';
import { primaryWorkArea } from './screen.ts';
import { WebContentsStandIn } from './web-contents.ts';

type DeclaredNames =
  | 'id'
  | 'loadURL'
  | 'show'
  | 'showInactive'
  | 'hide'
  | 'focus'
  | 'blur'
  | 'isVisible'
  | 'isFocused'
  | 'isDestroyed'
  | 'minimize'
  | 'restore'
  | 'isMinimized'
  | 'maximize'
  | 'unmaximize'
  | 'isMaximized'
  | 'isFullScreen'
  | 'setFullScreen'
  | 'getBounds'
  | 'setBounds'
  | 'getNormalBounds'
  | 'getTitle'
  | 'setTitle'
  | 'close'
  | 'destroy'
  | 'reload';

let lastId = 0;
const windows = new Map<number, BrowserWindowStandIn>();

/** What the app wants to hear of windows; set by `app.ts`, which knows them and not the other way round. */
export const windowEvents = new EventEmitter();

/** A window. Where it is and whether it is seen is kept here; what it shows is a page of Chromium. */
export class BrowserWindowStandIn extends EventEmitter implements Pick<BrowserWindow, DeclaredNames> {
  readonly id = (lastId += 1);
  readonly webContents: WebContentsStandIn;
  #bounds: Rectangle;
  #isVisible = false;
  #isMinimized = false;
  #isMaximized = false;
  #isFullScreen = false;
  #isDestroyed = false;
  #title: string;

  constructor(options: BrowserWindowConstructorOptions = {}) {
    super();
    this.setMaxListeners(0);
    checkHardened(options);
    const area = primaryWorkArea();
    const { width = 800, height = 600 } = options;
    this.#bounds = {
      x: options.x ?? area.x + Math.round((area.width - width) / 2),
      y: options.y ?? area.y + Math.round((area.height - height) / 2),
      width,
      height,
    };
    this.#title = options.title ?? '';
    this.webContents = new WebContentsStandIn({
      preloadFile: options.webPreferences?.preload,
      width,
      height,
      onClosed: () => this.destroy(),
    });
    windows.set(this.id, this);
    windowEvents.emit('created', this);
    this.webContents.once('did-finish-load', () => this.emit('ready-to-show'));
    this.webContents.on('page-title-updated', (event: { defaultPrevented: boolean }, title: string) => {
      this.emit('page-title-updated', event, title, true);
      if (!event.defaultPrevented) this.#title = title;
    });
    if (options.show !== false) queueMicrotask(() => this.show());
  }

  static getAllWindows(): BrowserWindowStandIn[] {
    return [...windows.values()];
  }

  static getFocusedWindow(): BrowserWindowStandIn | null {
    return [...windows.values()].find((window) => window.isFocused()) ?? null;
  }

  static fromWebContents(contents: WebContentsStandIn): BrowserWindowStandIn | null {
    return [...windows.values()].find((window) => window.webContents === contents) ?? null;
  }

  static fromId(id: number): BrowserWindowStandIn | null {
    return windows.get(id) ?? null;
  }

  loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url);
  }

  reload(): void {
    this.webContents.reload();
  }

  show(): void {
    this.showInactive();
    this.focus();
  }

  showInactive(): void {
    this.#mustLive();
    if (this.#isVisible) return;
    this.#isVisible = true;
    this.emit('show');
  }

  hide(): void {
    this.#mustLive();
    if (!this.#isVisible) return;
    this.blur();
    this.#isVisible = false;
    this.emit('hide');
  }

  focus(): void {
    this.#mustLive();
    if (!this.#isVisible || focusedId === this.id) return;
    windows.get(focusedId)?.blur();
    focusedId = this.id;
    this.emit('focus');
    windowEvents.emit('focus', this);
  }

  blur(): void {
    if (focusedId !== this.id) return;
    focusedId = NONE;
    this.emit('blur');
    windowEvents.emit('blur', this);
  }

  isVisible(): boolean {
    return this.#isVisible;
  }

  isFocused(): boolean {
    return focusedId === this.id;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  minimize(): void {
    this.blur();
    this.#isMinimized = true;
    this.emit('minimize');
  }

  restore(): void {
    if (!this.#isMinimized) return;
    this.#isMinimized = false;
    this.emit('restore');
  }

  isMinimized(): boolean {
    return this.#isMinimized;
  }

  maximize(): void {
    if (this.#isMaximized) return;
    this.#isMaximized = true;
    this.emit('maximize');
    this.emit('resize');
  }

  unmaximize(): void {
    if (!this.#isMaximized) return;
    this.#isMaximized = false;
    this.emit('unmaximize');
    this.emit('resize');
  }

  isMaximized(): boolean {
    return this.#isMaximized;
  }

  isFullScreen(): boolean {
    return this.#isFullScreen;
  }

  setFullScreen(isFullScreen: boolean): void {
    this.#isFullScreen = isFullScreen;
    this.emit(isFullScreen ? 'enter-full-screen' : 'leave-full-screen');
  }

  getBounds(): Rectangle {
    this.#mustLive();
    return this.#isMaximized ? { ...primaryWorkArea() } : { ...this.#bounds };
  }

  getNormalBounds(): Rectangle {
    this.#mustLive();
    return { ...this.#bounds };
  }

  setBounds(bounds: Partial<Rectangle>): void {
    this.#mustLive();
    const before = this.#bounds;
    this.#bounds = { ...before, ...bounds };
    if (before.x !== this.#bounds.x || before.y !== this.#bounds.y) this.emit('move');
    if (before.width !== this.#bounds.width || before.height !== this.#bounds.height) this.emit('resize');
  }

  getTitle(): string {
    return this.#title;
  }

  setTitle(title: string): void {
    this.#title = title;
  }

  setMenuBarVisibility(_isVisible: boolean): void {
    // There is no menu bar to see.
  }

  close(): void {
    if (this.#isDestroyed) return;
    const event = preventable();
    this.emit('close', event);
    if (!event.defaultPrevented) this.destroy();
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    if (focusedId === this.id) focusedId = NONE;
    this.#isDestroyed = true;
    windows.delete(this.id);
    this.webContents.destroy();
    this.emit('closed');
    windowEvents.emit('closed', this);
  }

  /** Electron throws this when a window is used that is no more. */
  #mustLive(): void {
    if (this.#isDestroyed) throw new TypeError('Object has been destroyed');
  }
}

const NONE = 0;
let focusedId = NONE;

/** The pages of this stand-in are always sandboxed; an app that asks for less would behave differently in Electron. */
function checkHardened({ webPreferences = {} }: BrowserWindowConstructorOptions): void {
  const { sandbox = true, contextIsolation = true, nodeIntegration = false, webSecurity = true } = webPreferences;
  if (!sandbox || !contextIsolation || nodeIntegration || !webSecurity || webPreferences.nodeIntegrationInSubFrames) {
    throw new Error('The stand-in for Electron has only sandboxed, isolated pages without Node.');
  }
}
