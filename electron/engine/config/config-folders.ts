import { createHash } from 'node:crypto';
import { posix, win32 } from 'node:path';
import { MAX_SOCKET_NAME_BYTES, type FolderContext } from './folder-context.ts';
import { linuxConfigFolder, linuxDataFolder, linuxRuntimeFolder } from './folders-linux.ts';
import { macosAppFolder, macosRuntimeFolder } from './folders-macos.ts';
import { windowsConfigFolder, windowsDataFolder, windowsRuntimeFolder } from './folders-windows.ts';

/** Where Corral's files are unless the user says otherwise. Pure: nothing is looked up or made. */

interface PlatformFolders {
  readonly pathOf: typeof posix;
  configFolder(context: FolderContext): string;
  dataFolder(context: FolderContext): string;
  runtimeFolder(context: FolderContext, fingerprint: string): string;
}

const linux: PlatformFolders = {
  pathOf: posix,
  configFolder: linuxConfigFolder,
  dataFolder: linuxDataFolder,
  runtimeFolder: linuxRuntimeFolder,
};
const macos: PlatformFolders = {
  pathOf: posix,
  configFolder: macosAppFolder,
  dataFolder: macosAppFolder,
  runtimeFolder: macosRuntimeFolder,
};
const windows: PlatformFolders = {
  pathOf: win32,
  configFolder: windowsConfigFolder,
  dataFolder: windowsDataFolder,
  runtimeFolder: windowsRuntimeFolder,
};

/** The file that is read when none is named. */
export function configFilePath(context: FolderContext): string {
  const folders = foldersOf(context.platform);
  return folders.pathOf.join(folders.configFolder(context), 'config.yaml');
}

/** What outlives a run: downloads, history, logs, the instance file. */
export function dataFolder(context: FolderContext): string {
  return foldersOf(context.platform).dataFolder(context);
}

/**
 * Where sockets live while Corral runs. Another data folder has another one, so that several instances do not meet. Its
 * path is short enough for every path that `socketPath` makes in it.
 */
export function runtimeFolder(context: FolderContext, dataFolderPath: string): string {
  return foldersOf(context.platform).runtimeFolder(context, fingerprint(dataFolderPath));
}

/**
 * A path for a socket in a runtime folder, at most 100 bytes with it. `label` may be anything, such as the id of a model:
 * other labels get other paths, equal ones the same.
 */
export function socketPath(runtimeFolderPath: string, label: string): string {
  const readable = label.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, MAX_SOCKET_NAME_BYTES - 22);
  return posix.join(runtimeFolderPath, `${readable}-${fingerprint(label, 16)}.sock`);
}

/** The first hex digits of the SHA-256 of a text: a short name that another text will not have. */
export function fingerprint(text: string, digits = 8): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

function foldersOf(platform: NodeJS.Platform): PlatformFolders {
  if (platform === 'win32') return windows;
  return platform === 'darwin' ? macos : linux;
}
