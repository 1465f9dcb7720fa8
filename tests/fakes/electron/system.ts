import { EventEmitter } from 'node:events';
import type { Clipboard, NativeTheme, PowerMonitor, Shell, SystemPreferences } from 'electron';
import { currentBrowser } from './browser.ts';
import { BrowserWindowStandIn } from './browser-window.ts';

/** The parts of Electron that reach for the desktop around the app: recorded, and moved by the test. */

const openedOutside: string[] = [];
let clipboardText = '';

export function takeOpenedOutside(): readonly string[] {
  return openedOutside;
}

export const shell = {
  openExternal(url: string): Promise<void> {
    openedOutside.push(url);
    return Promise.resolve();
  },
  openPath(path: string): Promise<string> {
    openedOutside.push(path);
    return Promise.resolve('');
  },
  showItemInFolder(path: string): void {
    openedOutside.push(path);
  },
  beep: () => undefined,
} satisfies Pick<Shell, 'openExternal' | 'openPath' | 'showItemInFolder' | 'beep'>;

export const clipboard = {
  writeText(text: string): Promise<void> {
    clipboardText = text;
    return Promise.resolve();
  },
  readText: () => Promise.resolve(clipboardText),
} satisfies Pick<Clipboard, 'writeText' | 'readText'>;

export const systemPreferences = {
  getAnimationSettings: () => ({
    prefersReducedMotion: false,
    scrollAnimationsEnabledBySystem: true,
    shouldRenderRichAnimation: true,
  }),
} satisfies Pick<SystemPreferences, 'getAnimationSettings'>;

class PowerMonitorStandIn
  extends EventEmitter
  implements Pick<PowerMonitor, 'isOnBatteryPower' | 'getSystemIdleTime' | 'getSystemIdleState'>
{
  isOnBatteryPower(): boolean {
    return false;
  }

  getSystemIdleTime(): number {
    return 0;
  }

  getSystemIdleState(): 'active' {
    return 'active';
  }
}

export const powerMonitor = new PowerMonitorStandIn();

class NativeThemeStandIn
  extends EventEmitter
  implements
    Pick<
      NativeTheme,
      | 'shouldUseDarkColors'
      | 'shouldUseDarkColorsForSystemIntegratedUI'
      | 'shouldUseHighContrastColors'
      | 'shouldUseInvertedColorScheme'
      | 'themeSource'
    >
{
  readonly shouldUseHighContrastColors = false;
  readonly shouldUseInvertedColorScheme = false;
  #source: 'system' | 'light' | 'dark' = 'system';
  #isSystemDark = false;

  get shouldUseDarkColors(): boolean {
    return this.#source === 'system' ? this.#isSystemDark : this.#source === 'dark';
  }

  get shouldUseDarkColorsForSystemIntegratedUI(): boolean {
    return this.#isSystemDark;
  }

  get themeSource(): 'system' | 'light' | 'dark' {
    return this.#source;
  }

  set themeSource(source: 'system' | 'light' | 'dark') {
    this.#source = source;
    this.#tell();
  }

  /** The desktop's own choice. */
  setSystemDark(isDark: boolean): void {
    this.#isSystemDark = isDark;
    this.#tell();
  }

  /** Pages see it, too. */
  #tell(): void {
    const features = [{ name: 'prefers-color-scheme', value: this.shouldUseDarkColors ? 'dark' : 'light' }];
    for (const { webContents } of currentBrowser() === undefined ? [] : BrowserWindowStandIn.getAllWindows()) {
      webContents.opening.then(
        (page) => page.send('Emulation.setEmulatedMedia', { features }),
        () => undefined,
      );
    }
    this.emit('updated');
  }
}

export const nativeTheme = new NativeThemeStandIn();

/** Node's own `fetch`: there is no proxy configuration of Chromium's here that could matter. */
export const net = { fetch: globalThis.fetch, isOnline: () => true, online: true };
