import { app } from 'electron';
import { homedir } from 'node:os';
import type { Autostart } from './autostart-contract.ts';
import { createLinuxAutostart } from './autostart-linux.ts';
import { createMacosAutostart } from './autostart-macos.ts';
import { createWindowsAutostart } from './autostart-windows.ts';

export type { Autostart } from './autostart-contract.ts';

/** Start at login, the way of the platform it runs on. */
export function createAutostart(): Autostart {
  const isInstalled = app.isPackaged;
  if (process.platform === 'darwin') return createMacosAutostart(app, isInstalled);
  const { env, argv, execPath } = process;
  if (process.platform === 'win32') return createWindowsAutostart({ app, isInstalled, env, argv, execPath });
  return createLinuxAutostart({ isInstalled, env, argv, execPath, homeFolder: homedir() });
}
