import { expect, test } from 'vitest';
import { packagedPrograms, unpackedFolder } from '../../../build/packaged-app.ts';

test.each([
  ['linux', 'x64', 'release/linux-unpacked', 'corral', 'resources/cli/corral'],
  ['linux', 'arm64', 'release/linux-arm64-unpacked', 'corral', 'resources/cli/corral'],
  ['darwin', 'x64', 'release/mac/Corral.app', 'Contents/MacOS/Corral', 'Contents/Resources/cli/corral'],
  ['darwin', 'arm64', 'release/mac-arm64/Corral.app', 'Contents/MacOS/Corral', 'Contents/Resources/cli/corral'],
  ['win32', 'x64', 'release\\win-unpacked', 'Corral.exe', 'resources\\cli\\corral.cmd'],
  ['win32', 'arm64', 'release\\win-arm64-unpacked', 'Corral.exe', 'resources\\cli\\corral.cmd'],
])('where %s %s has its programs', (platform, arch, folder, app, command) => {
  expect(unpackedFolder('release', platform, arch)).toBe(folder);
  const separator = platform === 'win32' ? '\\' : '/';
  expect(packagedPrograms(folder, platform)).toEqual({
    app: `${folder}${separator}${app}`,
    command: `${folder}${separator}${command}`,
  });
});
