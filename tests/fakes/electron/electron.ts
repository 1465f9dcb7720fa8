/**
 * A stand-in for the `electron` module, for tests where Electron's binary cannot be had: the main process is a plain Node
 * process, its windows are pages of a real Chromium that run the real preload script. The parts of Electron that Corral
 * uses are here and no others; an import of another one fails by its name. What differs is in README.md.
 */
import { answerDriver } from './control.ts';
import * as standIn from './electron.ts';

export { app } from './app.ts';
export { BrowserWindowStandIn as BrowserWindow } from './browser-window.ts';
export { dialog } from './dialog.ts';
export { ipcMain } from './ipc-main.ts';
export { MenuItemStandIn as MenuItem, MenuStandIn as Menu } from './menu.ts';
export { nativeImage } from './native-image.ts';
export { NotificationStandIn as Notification } from './notification.ts';
export { protocol } from './protocol.ts';
export { screen } from './screen.ts';
export { session } from './session.ts';
export { clipboard, nativeTheme, net, powerMonitor, shell, systemPreferences } from './system.ts';
export { TrayStandIn as Tray } from './tray.ts';
export { webContents } from './web-contents.ts';

/** What libraries get that `require` it; see register.mjs. */
(globalThis as Record<symbol, unknown>)[Symbol.for('corral.electron-stand-in')] = standIn;
answerDriver();
