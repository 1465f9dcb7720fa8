import type { TrayPlatform } from './tray-platform.ts';

/** The panel shows the menu over D-Bus and is sent changes of it, open or not. Its icons are 22 pixels high, not 16. */
export const linuxTray: TrayPlatform = {
  iconFile(picture, { isAppDark, desktop }) {
    // The top bar of GNOME Shell and of Unity is dark whatever the theme; elsewhere the panel follows the theme.
    const hasDarkBar = /(^|:)(GNOME|Unity)(:|$)/i.test(desktop);
    return `linux/${picture}-${isAppDark || hasDarkBar ? 'dark' : 'light'}.png`;
  },
  opensWindowOnClick: true,
  bearsChangeWhileOpen: true,
};
