import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Autostart } from '../../../electron/shell/autostart-contract.ts';
import { createLinuxAutostart } from '../../../electron/shell/autostart-linux.ts';

describe('start at login on Linux', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function open(env: NodeJS.ProcessEnv = { XDG_CONFIG_HOME: '/nowhere' }, isInstalled = true): Autostart {
    return createLinuxAutostart({ isInstalled, env, argv: ['corral'], execPath: '/opt/corral', homeFolder: folder });
  }

  it('writes an entry, finds it again, and removes it', async () => {
    const env = { XDG_CONFIG_HOME: path.join(folder, 'conf ig') };
    const autostart = open(env);
    expect(autostart.isOn()).toBe(false);
    await autostart.set(true);
    expect(autostart.isOn()).toBe(true);
    const text = await readFile(path.join(folder, 'conf ig', 'autostart', 'corral.desktop'), 'utf8');
    expect(text).toContain('[Desktop Entry]\nType=Application\nName=Corral\n');
    expect(text).toContain('\nExec="/opt/corral" "--hidden"\n');
    expect(open(env).isOn()).toBe(true);
    await open(env).set(false);
    expect(open(env).isOn()).toBe(false);
    await open(env).set(false);
  });

  it('starts the AppImage itself, and knows when it was moved', async () => {
    const env = { XDG_CONFIG_HOME: folder, APPIMAGE: '/home/me/My Apps/Corral.AppImage' };
    await open(env).set(true);
    const text = await readFile(path.join(folder, 'autostart', 'corral.desktop'), 'utf8');
    expect(text).toContain('\nExec="/home/me/My Apps/Corral.AppImage" "--hidden"\n');
    expect(open({ ...env, APPIMAGE: '/home/me/Corral.AppImage' }).isOn()).toBe(false);
  });

  it('uses ~/.config where XDG_CONFIG_HOME is no absolute path', async () => {
    await open({ XDG_CONFIG_HOME: 'relative' }).set(true);
    await expect(readFile(path.join(folder, '.config', 'autostart', 'corral.desktop'), 'utf8')).resolves.toContain(
      'Exec=',
    );
  });

  it('says what is wrong if the entry cannot be written, and stays off', async () => {
    await writeFile(path.join(folder, 'file'), '');
    const autostart = open({ XDG_CONFIG_HOME: path.join(folder, 'file') });
    await expect(autostart.set(true)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Start at login could not be switched on') as string,
    });
    expect(autostart.isOn()).toBe(false);
  });

  it('is not offered by a copy from source', async () => {
    await mkdir(path.join(folder, 'autostart'));
    const autostart = open({ XDG_CONFIG_HOME: folder }, false);
    expect(autostart.isSupported()).toBe(false);
    await autostart.set(true);
    expect(autostart.isOn()).toBe(false);
    await expect(readFile(path.join(folder, 'autostart', 'corral.desktop'))).rejects.toThrow('ENOENT');
  });

  it('knows a start by the login', () => {
    const start = (argv: string[]): boolean =>
      createLinuxAutostart({
        isInstalled: true,
        env: {},
        argv,
        execPath: '/x',
        homeFolder: folder,
      }).wasStartedByLogin();
    expect(start(['/x', '--hidden'])).toBe(true);
    expect(start(['/x'])).toBe(false);
  });
});
