import type { TrayPicture } from './tray-icon.ts';
import { linuxTray } from './tray-linux.ts';
import { macosTray } from './tray-macos.ts';
import { windowsTray } from './tray-windows.ts';

export interface TrayThemes {
  /** Windows and menus are dark. */
  readonly isAppDark: boolean;
  /** The bar that the icon is on is dark, where the system tells. */
  readonly isBarDark: boolean;
  /** `XDG_CURRENT_DESKTOP`. */
  readonly desktop: string;
}

/** How trays differ by platform. */
export interface TrayPlatform {
  iconFile(picture: TrayPicture, themes: TrayThemes): string;
  /** A click opens the window; elsewhere it shows the menu. */
  readonly opensWindowOnClick: boolean;
  /** A menu that is open may be replaced. */
  readonly bearsChangeWhileOpen: boolean;
}

export function trayPlatform(platform: NodeJS.Platform): TrayPlatform {
  if (platform === 'darwin') return macosTray;
  return platform === 'win32' ? windowsTray : linuxTray;
}
