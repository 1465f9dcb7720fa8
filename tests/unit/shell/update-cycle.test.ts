import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createUpdateCycle, type UpdateSource } from '../../../electron/shell/update-cycle.ts';
import { updateObstacle } from '../../../electron/shell/update-support.ts';
import type { UpdateChannel, Updater } from '../../../electron/shell/updater-contract.ts';

/** electron-updater as far as the cycle uses it; setting the channel allows downgrades there, too. */
class FakeSource extends EventEmitter {
  autoDownload = false;
  autoInstallOnAppQuit = false;
  allowDowngrade = false;
  allowPrerelease = false;
  disableWebInstaller = false;
  logger: unknown = null;
  checks: string[] = [];
  installs: unknown[] = [];
  outcome: () => Promise<unknown> = () => {
    this.emit('update-not-available', { version: '1.0.0' });
    return Promise.resolve({});
  };
  private currentChannel: string | null = null;

  get channel(): string | null {
    return this.currentChannel;
  }

  set channel(channel: string | null) {
    this.currentChannel = channel;
    this.allowDowngrade = true;
  }

  checkForUpdates(): Promise<unknown> {
    this.checks.push(`${this.channel} ${this.allowPrerelease} ${this.allowDowngrade}`);
    return this.outcome();
  }

  quitAndInstall(...args: unknown[]): void {
    this.installs.push(args);
  }
}

const HOUR_MS = 3_600_000;

describe('createUpdateCycle', () => {
  let source: FakeSource;
  let channel: UpdateChannel;
  let did: string[];
  let obstacle: string | undefined;
  let updater: Updater;

  beforeEach(() => {
    vi.useFakeTimers({ now: 5_000_000 });
    source = new FakeSource();
    channel = 'stable';
    did = [];
    obstacle = undefined;
  });
  afterEach(() => {
    updater.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  function open(loadSource = () => Promise.resolve(source as unknown as UpdateSource)): void {
    updater = createUpdateCycle({
      isPackaged: true,
      channel: () => channel,
      onChange: () => did.push(updater.status().status),
      beforeInstall: () => Promise.resolve(void did.push('stopped')),
      log: () => undefined,
      obstacle,
      loadSource,
    });
  }

  it('looks soon after the start and every six hours', async () => {
    open();
    expect(updater.status()).toEqual({ status: 'idle', checkedAt: null });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(source.checks).toEqual(['latest false false']);
    expect(updater.status()).toEqual({ status: 'idle', checkedAt: 5_010_000 });
    await vi.advanceTimersByTimeAsync(6 * HOUR_MS - 1);
    expect(source.checks).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(source.checks).toHaveLength(2);
    expect(source).toMatchObject({ autoDownload: true, autoInstallOnAppQuit: true, disableWebInstaller: true });
  });

  it('follows the channel of the moment, and never goes back to an older version', async () => {
    channel = 'beta';
    open();
    await updater.check();
    channel = 'stable';
    await updater.check();
    channel = 'off';
    await updater.check();
    expect(source.checks).toEqual(['beta true false', 'latest false false']);
    expect(updater.status()).toEqual({
      status: 'unavailable',
      reason: 'Updates are switched off (updates.channel is off).',
    });
  });

  it('downloads, is ready, and installs once everything has stopped', async () => {
    open();
    source.outcome = () => {
      source.emit('update-available', { version: '2.0.0' });
      return Promise.resolve({ downloadPromise: Promise.resolve([]) });
    };
    await expect(updater.install()).rejects.toMatchObject({ code: 'conflict' });
    await updater.check();
    expect(updater.status()).toEqual({ status: 'downloading', version: '2.0.0', progress: 0 });
    source.emit('download-progress', { percent: 41.7 });
    source.emit('download-progress', { percent: 41.9 });
    expect(updater.status()).toEqual({ status: 'downloading', version: '2.0.0', progress: 0.41 });
    source.emit('update-downloaded', { version: '2.0.0' });
    expect(updater.status()).toEqual({ status: 'ready', version: '2.0.0' });
    // Once it is there, switching updates off does not hide it, and nothing else is looked for.
    channel = 'off';
    expect(updater.status().status).toBe('ready');
    await updater.check();
    expect(source.checks).toHaveLength(1);
    expect(source.installs).toEqual([]);
    await updater.install();
    expect(source.installs).toEqual([[false, true]]);
    expect(did).toEqual(['checking', 'downloading', 'downloading', 'ready', 'stopped']);
  });

  it('tries again after rising intervals when a check fails, and says why', async () => {
    open();
    source.outcome = () => {
      const error = new Error('net::ERR_INTERNET_DISCONNECTED\nHeaders: a long story');
      source.emit('error', error);
      return Promise.reject(error);
    };
    await vi.advanceTimersByTimeAsync(10_000);
    expect(updater.status()).toEqual({ status: 'failed', reason: 'net::ERR_INTERNET_DISCONNECTED' });
    for (const waitMs of [60_000, 5 * 60_000, 30 * 60_000, 2 * HOUR_MS, 6 * HOUR_MS]) {
      const { length } = source.checks;
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect(source.checks).toHaveLength(length);
      await vi.advanceTimersByTimeAsync(1);
      expect(source.checks).toHaveLength(length + 1);
    }
    source.outcome = () => Promise.resolve(null);
    await updater.check();
    expect(updater.status()).toMatchObject({ status: 'idle' });
  });

  it('says that a download failed, and tries again', async () => {
    open();
    source.outcome = () => {
      source.emit('update-available', { version: '2.0.0' });
      return Promise.resolve({ downloadPromise: Promise.reject(new Error('sha512 checksum mismatch')) });
    };
    await updater.check();
    await vi.advanceTimersByTimeAsync(0);
    expect(updater.status()).toEqual({ status: 'failed', reason: 'sha512 checksum mismatch' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(source.checks).toHaveLength(2);
  });

  it('does not fail with a part that cannot be loaded, and loads it again', async () => {
    let loads = 0;
    open(() => {
      loads += 1;
      return loads === 1
        ? Promise.reject(new Error('no app-update.yml'))
        : Promise.resolve(source as unknown as UpdateSource);
    });
    await updater.check();
    expect(updater.status()).toEqual({ status: 'failed', reason: 'no app-update.yml' });
    await updater.check();
    expect(updater.status()).toMatchObject({ status: 'idle' });
  });

  it('looks once for all who ask at the same time', async () => {
    open();
    await Promise.all([updater.check(), updater.check()]);
    expect(source.checks).toHaveLength(1);
  });

  it('touches nothing where this copy cannot update itself', async () => {
    obstacle = 'It runs from its source.';
    open(() => Promise.reject(new Error('must not be loaded')));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    await updater.check();
    expect(updater.status()).toEqual({ status: 'unavailable', reason: 'It runs from its source.' });
    await expect(updater.install()).rejects.toMatchObject({ code: 'conflict' });
    expect(did).toEqual([]);
  });

  it('installs although stopping everything has closed it', async () => {
    open();
    source.outcome = () => Promise.resolve({});
    await updater.check();
    source.emit('update-downloaded', { version: '2.0.0' });
    const { push } = did;
    did.push = (...items) => {
      if (items.includes('stopped')) updater.close();
      return push.apply(did, items);
    };
    await updater.install();
    expect(source.installs).toHaveLength(1);
    source.emit('error', new Error('a failure that nobody listens for would be thrown'));
  });

  it('is silent once it is closed', async () => {
    open();
    await updater.check();
    const { length } = did;
    updater.close();
    source.emit('update-downloaded', { version: '3.0.0' });
    source.emit('error', new Error('late'));
    await vi.advanceTimersByTimeAsync(12 * HOUR_MS);
    expect(did).toHaveLength(length);
    expect(source.checks).toHaveLength(1);
  });
});

describe('updateObstacle', () => {
  it.each([
    [false, 'darwin', {}, 'runs from its source'],
    [true, 'darwin', {}, undefined],
    [true, 'win32', {}, undefined],
    [true, 'win32', { PORTABLE_EXECUTABLE_FILE: 'D:\\Corral.exe' }, 'portable'],
    [true, 'linux', { APPIMAGE: '/x.AppImage' }, undefined],
    [true, 'linux', {}, 'package manager'],
  ] as const)('packaged %s, %s, %j', (isPackaged, platform, env, words) => {
    const obstacle = updateObstacle({ isPackaged, platform, env: { ...env } });
    if (words === undefined) expect(obstacle).toBeUndefined();
    else expect(obstacle).toContain(words);
  });
});
