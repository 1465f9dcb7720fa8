import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { app, dialog } from 'electron';
import { toAppError } from '#shared/contract/errors.ts';
import { dataFolder } from './engine/config/config-folders.ts';
import { processFolders } from './engine/config/process-folders.ts';
import { registerAppScheme } from './shell/app-scheme.ts';
import { parseLaunchOptions } from './shell/launch-options.ts';

/**
 * Where the desktop app begins: what has to come before Electron is ready, and whether this is the first Corral. A second
 * one has nothing to load but this.
 */
try {
  const launch = parseLaunchOptions(process.argv.slice(1));
  const userData = path.join(path.resolve(launch.dataDir ?? dataFolder(processFolders())), 'electron');
  // Before anything of Chromium's is opened there, and before the lock, which lies in it.
  mkdirSync(userData, { recursive: true, mode: 0o700 });
  app.setName('Corral');
  app.setPath('userData', userData);
  if (app.requestSingleInstanceLock({ isHidden: launch.isHidden })) {
    registerAppScheme();
    // Electron waits for this module before it is ready, so nothing is missed meanwhile.
    const { runDesktop } = await import('./compose-desktop.ts');
    runDesktop(launch);
  } else {
    app.exit(0); // The first one has been told, and shows its window.
  }
} catch (thrown) {
  dialog.showErrorBox('Corral cannot start', toAppError(thrown).message);
  app.exit(2);
}
