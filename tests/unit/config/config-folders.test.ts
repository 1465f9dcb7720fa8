import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  configFilePath,
  dataFolder,
  runtimeFolder,
  socketPath,
} from '../../../electron/engine/config/config-folders.ts';
import type { FolderContext } from '../../../electron/engine/config/folder-context.ts';

const linux: FolderContext = { platform: 'linux', env: {}, homeFolder: '/home/ann', tempFolder: '/tmp', uid: 1000 };
const macos: FolderContext = {
  ...linux,
  platform: 'darwin',
  homeFolder: '/Users/ann',
  tempFolder: '/var/folders/zz/xyz/T',
  uid: 501,
};
const windows: FolderContext = {
  platform: 'win32',
  env: {},
  homeFolder: 'C:\\Users\\Ann',
  tempFolder: 'C:\\Temp',
  uid: undefined,
};

describe('folders', () => {
  it.each([
    [linux, '/home/ann/.config/corral/config.yaml', '/home/ann/.local/share/corral'],
    [{ ...linux, env: { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d' } }, '/c/corral/config.yaml', '/d/corral'],
    [
      { ...linux, env: { XDG_CONFIG_HOME: 'relative', XDG_DATA_HOME: '' } },
      '/home/ann/.config/corral/config.yaml',
      '/home/ann/.local/share/corral',
    ],
    [
      macos,
      '/Users/ann/Library/Application Support/Corral/config.yaml',
      '/Users/ann/Library/Application Support/Corral',
    ],
    [windows, 'C:\\Users\\Ann\\AppData\\Roaming\\Corral\\config.yaml', 'C:\\Users\\Ann\\AppData\\Local\\Corral'],
    [{ ...windows, env: { APPDATA: 'R:\\a', LOCALAPPDATA: 'L:\\b' } }, 'R:\\a\\Corral\\config.yaml', 'L:\\b\\Corral'],
  ])('%#: configuration and data', (context, config, data) => {
    expect(configFilePath(context)).toBe(config);
    expect(dataFolder(context)).toBe(data);
  });

  it('is another runtime folder for another data folder', () => {
    const withXdg = { ...linux, env: { XDG_RUNTIME_DIR: '/run/user/1000' } };
    expect(runtimeFolder(withXdg, '/a')).toMatch(/^\/run\/user\/1000\/corral-[0-9a-f]{8}$/);
    expect(runtimeFolder(withXdg, '/a')).not.toBe(runtimeFolder(withXdg, '/b'));
    expect(runtimeFolder(linux, '/a')).toMatch(/^\/tmp\/corral-1000-[0-9a-f]{8}$/);
    expect(runtimeFolder(macos, '/a')).toMatch(/^\/tmp\/corral-501-[0-9a-f]{8}$/);
  });

  it('keeps every socket path within 100 bytes, and apart from the others', () => {
    const context = fc.constantFrom(linux, macos).chain((base) =>
      fc
        .record({
          segment: fc.string({ minLength: 1, maxLength: 120, unit: 'grapheme' }),
          uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
        })
        .map(({ segment, uid }) => ({ ...base, uid, env: { XDG_RUNTIME_DIR: `/run/${segment}` } })),
    );
    fc.assert(
      fc.property(
        context,
        fc.string({ maxLength: 300 }),
        fc.string({ maxLength: 300 }),
        fc.string(),
        (folders, a, b, data) => {
          const folder = runtimeFolder(folders, data);
          expect(Buffer.byteLength(socketPath(folder, a))).toBeLessThanOrEqual(100);
          expect(socketPath(folder, a).slice(folder.length + 1)).toMatch(/^[A-Za-z0-9_-]+\.sock$/);
          expect(socketPath(folder, a) === socketPath(folder, b)).toBe(a === b);
        },
      ),
    );
  });
});
