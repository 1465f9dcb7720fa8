import type { TrayPlatform } from './tray-platform.ts';

/** The menu bar colours template images itself, and a click shows the menu. */
export const macosTray: TrayPlatform = {
  iconFile: (picture) => `${picture}Template.png`,
  opensWindowOnClick: false,
  bearsChangeWhileOpen: false,
};
