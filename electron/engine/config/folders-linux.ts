import { posix } from 'node:path';
import { MAX_SOCKET_NAME_BYTES, MAX_SOCKET_PATH_BYTES, type FolderContext } from './folder-context.ts';

/** Folders by the XDG Base Directory Specification 0.8, also for the BSDs. */

export function linuxConfigFolder(context: FolderContext): string {
  return posix.join(xdgFolder(context, 'XDG_CONFIG_HOME') ?? posix.join(context.homeFolder, '.config'), 'corral');
}

export function linuxDataFolder(context: FolderContext): string {
  return posix.join(xdgFolder(context, 'XDG_DATA_HOME') ?? posix.join(context.homeFolder, '.local', 'share'), 'corral');
}

export function linuxRuntimeFolder(context: FolderContext, fingerprint: string): string {
  const runtimeFolder = xdgFolder(context, 'XDG_RUNTIME_DIR');
  if (runtimeFolder !== undefined) {
    const folder = posix.join(runtimeFolder, `corral-${fingerprint}`);
    if (Buffer.byteLength(folder) + 1 + MAX_SOCKET_NAME_BYTES <= MAX_SOCKET_PATH_BYTES) return folder;
  }
  return `/tmp/corral-${context.uid ?? 0}-${fingerprint}`;
}

/** "All paths set in these environment variables must be absolute"; others are to be ignored. */
function xdgFolder(context: FolderContext, name: string): string | undefined {
  const folder = context.env[name];
  return folder !== undefined && posix.isAbsolute(folder) ? folder : undefined;
}
