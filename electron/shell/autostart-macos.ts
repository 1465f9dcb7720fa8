import type { App } from 'electron';
import type { Autostart } from './autostart-contract.ts';

/** The system keeps the list of login items, and may ask the user for approval. Arguments cannot be passed. */
export function createMacosAutostart(
  app: Pick<App, 'getLoginItemSettings' | 'setLoginItemSettings'>,
  isInstalled: boolean,
): Autostart {
  return {
    isSupported: () => isInstalled,
    isOn: () => isInstalled && app.getLoginItemSettings().openAtLogin,
    set(isOn) {
      if (isInstalled) app.setLoginItemSettings({ openAtLogin: isOn });
      return Promise.resolve();
    },
    wasStartedByLogin: () => app.getLoginItemSettings().wasOpenedAtLogin,
  };
}
