import { win32 } from 'node:path';
import type { FolderContext } from './folder-context.ts';

/** Folders by the environment Windows gives every process, with the places they have unless they were moved. */

export function windowsConfigFolder(context: FolderContext): string {
  return win32.join(context.env['APPDATA'] ?? win32.join(context.homeFolder, 'AppData', 'Roaming'), 'Corral');
}

export function windowsDataFolder(context: FolderContext): string {
  return win32.join(context.env['LOCALAPPDATA'] ?? win32.join(context.homeFolder, 'AppData', 'Local'), 'Corral');
}

/** Nothing but files a start may leave behind: Windows has pipes instead of sockets. */
export function windowsRuntimeFolder(context: FolderContext, fingerprint: string): string {
  return win32.join(context.tempFolder, `corral-${fingerprint}`);
}

/** The pipe whose owner holds a data folder. Windows does not tell paths apart by case. */
export function windowsLockPipe(fingerprint: string): string {
  return `\\\\.\\pipe\\corral-${fingerprint}`;
}
