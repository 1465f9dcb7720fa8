import type { TrayPlatform } from './tray-platform.ts';

/** The taskbar may be dark while apps are light, and the other way round. A right click shows the menu. */
export const windowsTray: TrayPlatform = {
  iconFile: (picture, { isBarDark }) => `${picture}-${isBarDark ? 'dark' : 'light'}.png`,
  opensWindowOnClick: true,
  bearsChangeWhileOpen: false,
};
