import { createUpdateCycle } from './update-cycle.ts';
import { updateObstacle } from './update-support.ts';
import type { Updater, UpdaterOptions } from './updater-contract.ts';

export type { Updater, UpdaterOptions } from './updater-contract.ts';

/** Keeps an installed Corral up to date, where it can replace itself. */
export function createUpdater(options: UpdaterOptions): Updater {
  return createUpdateCycle({
    ...options,
    obstacle: updateObstacle({ isPackaged: options.isPackaged, platform: process.platform, env: process.env }),
    // It looks at the installed app as soon as it is asked for its updater, and finds none in a copy from source.
    loadSource: async () => (await import('electron-updater')).default.autoUpdater,
  });
}
