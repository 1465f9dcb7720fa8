import path from 'node:path';

/** Where electron-builder leaves the unpacked app, by `process.platform` and `process.arch`. */
export function unpackedFolder(releaseFolder: string, platform: string, arch: string): string {
  const suffix = arch === 'x64' ? '' : `-${arch}`;
  if (platform === 'darwin') return path.posix.join(releaseFolder, `mac${suffix}`, 'Corral.app');
  if (platform === 'win32') return path.win32.join(releaseFolder, `win${suffix}-unpacked`);
  return path.posix.join(releaseFolder, `linux${suffix}-unpacked`);
}

export interface PackagedPrograms {
  readonly app: string;
  readonly command: string;
}

/** The app's program and the `corral` command in an unpacked or installed app. */
export function packagedPrograms(folder: string, platform: string): PackagedPrograms {
  if (platform === 'darwin') {
    return {
      app: path.posix.join(folder, 'Contents', 'MacOS', 'Corral'),
      command: path.posix.join(folder, 'Contents', 'Resources', 'cli', 'corral'),
    };
  }
  if (platform === 'win32') {
    return {
      app: path.win32.join(folder, 'Corral.exe'),
      command: path.win32.join(folder, 'resources', 'cli', 'corral.cmd'),
    };
  }
  return { app: path.posix.join(folder, 'corral'), command: path.posix.join(folder, 'resources', 'cli', 'corral') };
}
