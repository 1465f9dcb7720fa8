import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readText = (file: string): string => readFileSync(path.join(root, file), 'utf8');

interface Target {
  readonly target: string;
  readonly arch: readonly string[];
}
type Section = Readonly<Record<string, unknown>>;
const config = parse(readText('electron-builder.yml')) as Section;
const section = (name: string): Section => config[name] as Section;
const targets = (platform: string): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries((section(platform)['target'] as Target[]).map(({ target, arch }) => [target, arch]));

describe('the installers', () => {
  const both = ['x64', 'arm64'];
  test.each([
    ['win', { nsis: both, portable: both }],
    ['mac', { dmg: both, zip: both }],
    ['linux', { AppImage: both, deb: both, rpm: both }],
  ])('for %s', (platform, expected) => {
    expect(targets(platform)).toEqual(expected);
  });

  test('no two have the same name', () => {
    expect(config['artifactName']).toBe('Corral-${version}-${os}-${arch}.${ext}');
    // Both are .exe.
    expect(section('portable')['artifactName']).not.toBe(config['artifactName']);
    expect([section('nsis')['buildUniversalInstaller'], section('portable')['buildUniversalInstaller']]).toEqual([
      false,
      false,
    ]);
  });

  test('Windows asks for no administrator, lets choose the folder and keeps the data', () => {
    expect(section('nsis')).toMatchObject({
      oneClick: false,
      perMachine: false,
      selectPerMachineByDefault: false,
      allowToChangeInstallationDirectory: true,
      deleteAppDataOnUninstall: false,
    });
    expect(section('portable')['requestExecutionLevel']).toBe('user');
  });

  test('macOS gets the hardened runtime, notarization and a zip for updates', () => {
    expect(section('mac')).toMatchObject({ hardenedRuntime: true, notarize: true });
    expect(readText('build/entitlements.mac.plist')).toContain('com.apple.security.cs.allow-jit');
    expect(readText('build/entitlements.mac.plist')).not.toMatch(/get-task-allow|disable-library-validation|dyld/);
  });
});

test('the fuses close what the app does not need', () => {
  expect(config['electronFuses']).toEqual({
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  });
  expect(config['asar']).toBe(true);
});

test('every file that the configuration names is there', () => {
  const named: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string' && /^build\/[\w./-]+$/.test(value)) named.push(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(config);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
});

describe('the corral command', () => {
  test.each(['mac', 'linux', 'win'])('is shipped for %s', (platform) => {
    const shipped = (section(platform)['extraResources'] as { from: string }[]).map(({ from }) => from);
    expect(shipped).toContain(platform === 'win' ? 'build/cli/corral.cmd' : 'build/cli/corral');
  });

  test.each(['build/cli/corral', 'build/cli/corral.cmd'])('%s keeps what the user typed from Chromium', (shim) => {
    expect(readText(shim)).toMatch(/ --cli -- ("\$@"|%\*)/);
  });

  test.each(['deb', 'rpm'])('%s links it, and takes the link away', (target) => {
    const script = (name: string): string => readText(section(target)[name] as string);
    const command = '/opt/${sanitizedProductName}/resources/cli/corral';
    expect(script('afterInstall')).toContain(
      `update-alternatives --install '/usr/bin/\${executable}' '\${executable}' '${command}'`,
    );
    expect(script('afterRemove')).toContain(`update-alternatives --remove '\${executable}' '${command}'`);
  });

  test('macros of the scripts are those that electron-builder fills in', () => {
    for (const script of ['build/linux/after-install.sh', 'build/linux/after-remove.sh']) {
      const macros = [...readText(script).matchAll(/\$\{([a-zA-Z]+)\}/g)].map(([, name]) => name);
      expect(macros.filter((name) => name !== 'executable' && name !== 'sanitizedProductName')).toEqual([]);
    }
  });
});
