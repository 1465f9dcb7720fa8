import { EventEmitter } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import type { App, LoginItemSettings, Settings } from 'electron';
import { BrowserWindowStandIn, windowEvents } from './browser-window.ts';
import { closeBrowser } from './browser.ts';
import { preventable } from './preventable.ts';
import { takeSingleInstanceLock } from './single-instance.ts';
import { readStandInSettings } from './stand-in-settings.ts';

type DeclaredNames =
  | 'isReady'
  | 'whenReady'
  | 'quit'
  | 'exit'
  | 'relaunch'
  | 'focus'
  | 'getPath'
  | 'setPath'
  | 'getAppPath'
  | 'getName'
  | 'setName'
  | 'name'
  | 'getVersion'
  | 'getLocale'
  | 'isPackaged'
  | 'requestSingleInstanceLock'
  | 'hasSingleInstanceLock'
  | 'releaseSingleInstanceLock'
  | 'setLoginItemSettings'
  | 'getLoginItemSettings'
  | 'setAppUserModelId'
  | 'setAboutPanelOptions'
  | 'enableSandbox'
  | 'disableHardwareAcceleration';

/** The life of an app, as Electron's documentation tells it: one `quit` asks everybody, `exit` asks nobody. */
class AppStandIn extends EventEmitter implements Pick<App, DeclaredNames> {
  readonly isPackaged = false;
  readonly commandLine = { appendSwitch: () => undefined, hasSwitch: () => false, getSwitchValue: () => '' };
  readonly dock =
    process.platform === 'darwin'
      ? { show: () => Promise.resolve(), hide: () => undefined, setBadge: () => undefined, isVisible: () => true }
      : undefined;
  readonly #settings = readStandInSettings();
  readonly #paths = new Map<string, string>();
  readonly #ready: Promise<void>;
  #isReady = false;
  #isQuitting = false;
  #isEnding = false;
  #lock: { release(): void } | undefined;
  #loginItem: Settings = {};
  name = this.#settings.appName;

  constructor() {
    super();
    this.setMaxListeners(0);
    // An app without windows goes on until it quits, as long as the driver is there.
    const alive = setInterval(() => undefined, 2 ** 30);
    process.once('exit', () => {
      clearInterval(alive);
      this.#lock?.release();
    });
    this.#ready = new Promise((resolve) => {
      setImmediate(() => {
        this.#isReady = true;
        this.emit('ready', {}, {});
        resolve();
      });
    });
    windowEvents.on('created', (window) => this.emit('browser-window-created', {}, window));
    windowEvents.on('created', (window: BrowserWindowStandIn) =>
      this.emit('web-contents-created', {}, window.webContents),
    );
    windowEvents.on('focus', (window) => this.emit('browser-window-focus', {}, window));
    windowEvents.on('blur', (window) => this.emit('browser-window-blur', {}, window));
    windowEvents.on('closed', () => this.#onWindowClosed());
  }

  isReady(): boolean {
    return this.#isReady;
  }

  whenReady(): Promise<void> {
    return this.#ready;
  }

  quit(): void {
    if (this.#isEnding) return;
    if (!this.#isQuitting) {
      this.#isQuitting = true;
      const event = preventable();
      this.emit('before-quit', event);
      if (event.defaultPrevented) {
        this.#isQuitting = false;
        return;
      }
    }
    for (const window of BrowserWindowStandIn.getAllWindows()) window.close();
    if (BrowserWindowStandIn.getAllWindows().length > 0) this.#isQuitting = false;
    else this.#endIfNobodyMinds();
  }

  exit(code = 0): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (const window of BrowserWindowStandIn.getAllWindows()) window.destroy();
    this.emit('quit', {}, code);
    void closeBrowser().finally(() => process.exit(code));
  }

  relaunch(): void {
    this.emit('stand-in-relaunch');
  }

  focus(): void {
    BrowserWindowStandIn.getAllWindows()[0]?.focus();
  }

  getPath(name: string): string {
    const { homePath } = this.#settings;
    const standard: Record<string, string> = {
      home: homePath,
      appData: path.join(homePath, 'app-data'),
      userData: path.join(homePath, 'app-data', this.name),
      sessionData: path.join(homePath, 'app-data', this.name),
      temp: os.tmpdir(),
      exe: process.execPath,
      logs: path.join(homePath, 'logs'),
      documents: path.join(homePath, 'Documents'),
      downloads: path.join(homePath, 'Downloads'),
    };
    const found = this.#paths.get(name) ?? standard[name];
    if (found === undefined) throw new Error(`Failed to get '${name}' path`);
    return found;
  }

  setPath(name: string, value: string): void {
    if (!path.isAbsolute(value)) throw new Error('Path must be absolute');
    this.#paths.set(name, value);
  }

  getAppPath(): string {
    return this.#settings.appPath;
  }

  getName(): string {
    return this.name;
  }

  setName(name: string): void {
    this.name = name;
  }

  getVersion(): string {
    return this.#settings.appVersion;
  }

  getLocale(): string {
    return 'en-US';
  }

  requestSingleInstanceLock(additionalData: Record<string, unknown> = {}): boolean {
    const own = { argv: process.argv, workingDirectory: process.cwd(), additionalData };
    this.#lock ??= takeSingleInstanceLock(this.getPath('userData'), own, (other) =>
      this.emit('second-instance', {}, other.argv, other.workingDirectory, other.additionalData),
    );
    return this.#lock !== undefined;
  }

  hasSingleInstanceLock(): boolean {
    return this.#lock !== undefined;
  }

  releaseSingleInstanceLock(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  setLoginItemSettings(settings: Settings): void {
    this.#loginItem = { ...this.#loginItem, ...settings };
  }

  getLoginItemSettings(): LoginItemSettings {
    const openAtLogin = this.#loginItem.openAtLogin ?? false;
    return {
      openAtLogin,
      wasOpenedAtLogin: false,
      executableWillLaunchAtLogin: openAtLogin,
      launchItems: [],
      status: openAtLogin ? 'enabled' : 'not-registered',
    };
  }

  setAppUserModelId(_id: string): void {
    // Groups windows on Windows' task bar.
  }

  setAboutPanelOptions(): void {
    // Nobody opens the panel.
  }

  enableSandbox(): void {
    // Pages are always sandboxed here.
  }

  disableHardwareAcceleration(): void {
    // Chromium runs without it here.
  }

  #onWindowClosed(): void {
    if (this.#isEnding || BrowserWindowStandIn.getAllWindows().length > 0) return;
    if (this.#isQuitting) return;
    if (this.listenerCount('window-all-closed') === 0) this.quit();
    else this.emit('window-all-closed');
  }

  #endIfNobodyMinds(): void {
    const event = preventable();
    this.emit('will-quit', event);
    this.#isQuitting = false;
    if (!event.defaultPrevented) this.exit(0);
  }
}

export const app = new AppStandIn();
