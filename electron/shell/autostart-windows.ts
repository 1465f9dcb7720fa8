import type { App } from 'electron';
import { HIDDEN_ARGUMENT, type Autostart } from './autostart-contract.ts';

export interface WindowsAutostartOptions {
  readonly app: Pick<App, 'getLoginItemSettings' | 'setLoginItemSettings'>;
  readonly isInstalled: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
  readonly execPath: string;
}

/** A value under the user's `Run` key. */
export function createWindowsAutostart({ app, isInstalled, env, argv, execPath }: WindowsAutostartOptions): Autostart {
  // The portable build unpacks itself to a temporary folder; what stays is the file the user keeps.
  const path = env['PORTABLE_EXECUTABLE_FILE'] ?? execPath;
  const args = [HIDDEN_ARGUMENT];
  return {
    isSupported: () => isInstalled,
    // Windows compares path and arguments with what was set.
    isOn: () => isInstalled && app.getLoginItemSettings({ path, args }).openAtLogin,
    set(isOn) {
      if (isInstalled) app.setLoginItemSettings({ openAtLogin: isOn, path, args });
      return Promise.resolve();
    },
    wasStartedByLogin: () => argv.includes(HIDDEN_ARGUMENT),
  };
}
