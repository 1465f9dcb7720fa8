import { Menu } from 'electron';

/**
 * macOS takes copy, paste and quit from the menu bar, so it gets the roles those need; elsewhere a menu would only be in the
 * way.
 */
export function setAppMenu(platform: NodeJS.Platform): void {
  Menu.setApplicationMenu(
    platform === 'darwin'
      ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }])
      : null,
  );
}
