import { beforeEach, describe, expect, it } from 'vitest';
import { desktopCommands, type DesktopCommandName } from '#shared/contract/desktop-commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import {
  createDesktopHandlers,
  runDesktopCommand,
  type DesktopHandlers,
} from '../../../electron/shell/desktop-handlers.ts';

describe('desktop commands', () => {
  let did: string[];
  let isOn: boolean;
  let hasNotifications: boolean;
  let isSupported: boolean;
  let handlers: DesktopHandlers;

  beforeEach(() => {
    did = [];
    isOn = false;
    hasNotifications = true;
    isSupported = true;
    handlers = createDesktopHandlers({
      autostart: {
        isSupported: () => isSupported,
        isOn: () => isOn,
        set: (next) => Promise.resolve(void (isOn = next)),
        wasStartedByLogin: () => false,
      },
      updater: {
        status: () => ({ status: 'ready', version: '2.0.0' }),
        check: () => Promise.resolve(void did.push('check')),
        install: () => Promise.resolve(void did.push('install')),
        close: () => undefined,
      },
      preferences: {
        hasNotifications: () => hasNotifications,
        setNotifications: (next) => Promise.resolve(void (hasNotifications = next)),
      },
      choosePath: (kind) => Promise.resolve(kind === 'folder' ? '/models' : null),
      openPath(which) {
        if (which === 'config') return Promise.reject(new AppError('not-found', 'There is no file yet.'));
        return Promise.resolve(void did.push(`open ${which}`));
      },
    });
  });

  const update = { status: 'ready', version: '2.0.0' };

  it('answer as the contract says', async () => {
    const requests: Readonly<Record<DesktopCommandName, unknown>> = {
      'read-desktop': {},
      'update-desktop': { startsAtLogin: true, notifications: false },
      'choose-path': { kind: 'folder' },
      'open-path': { which: 'logs' },
      'check-for-update': {},
      'install-update': {},
    };
    for (const name of Object.keys(desktopCommands) as DesktopCommandName[]) {
      const answer = await runDesktopCommand(handlers, name, requests[name]);
      expect(desktopCommands[name].response.parse(answer), name).toEqual(answer);
    }
    expect(did).toEqual(['open logs', 'check', 'install']);
  });

  it('change only what was asked for, and answer with what holds then', async () => {
    expect(await runDesktopCommand(handlers, 'read-desktop', {})).toEqual({
      startsAtLogin: false,
      notifications: true,
      update,
    });
    expect(await runDesktopCommand(handlers, 'update-desktop', { startsAtLogin: true })).toEqual({
      startsAtLogin: true,
      notifications: true,
      update,
    });
    expect(await runDesktopCommand(handlers, 'update-desktop', { notifications: false })).toEqual({
      startsAtLogin: true,
      notifications: false,
      update,
    });
    expect(await runDesktopCommand(handlers, 'choose-path', { kind: 'model-file' })).toEqual({ path: null });
  });

  it('say that a copy from source cannot be started at login', async () => {
    isSupported = false;
    expect(await runDesktopCommand(handlers, 'read-desktop', {})).toMatchObject({ startsAtLogin: null });
    await expect(
      runDesktopCommand(handlers, 'update-desktop', { startsAtLogin: true, notifications: false }),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect([isOn, hasNotifications]).toEqual([false, true]);
  });

  it.each<[DesktopCommandName, unknown]>([
    ['read-desktop', undefined],
    ['read-desktop', { extra: 1 }],
    ['update-desktop', { startsAtLogin: 'yes' }],
    ['choose-path', { kind: 'executable' }],
    ['open-path', { which: '/etc/passwd' }],
    ['open-path', { path: '/etc/passwd' }],
    ['install-update', null],
  ])('refuse %s with %j', async (name, payload) => {
    await expect(runDesktopCommand(handlers, name, payload)).rejects.toMatchObject({ code: 'invalid-request' });
    expect(did).toEqual([]);
  });

  it('hand errors on', async () => {
    await expect(runDesktopCommand(handlers, 'open-path', { which: 'config' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
