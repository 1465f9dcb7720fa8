import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommandName } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import type { CommandHandlers } from '../../../electron/api/command-handlers.ts';
import { createNotifications } from '../../../electron/shell/notifications.ts';
import { createTray } from '../../../electron/shell/tray.ts';
import { modelView } from '../../fakes/views.ts';
import { animation, copied, FakeNotification, FakeTray, nativeTheme } from './support/fake-electron.ts';
import { herd, loaded, plan } from './support/views.ts';

vi.mock('electron', async () => (await import('./support/fake-electron.ts')).fakeElectron);

let listener: (snapshot: Snapshot | undefined) => void;
let isSubscribed = false;
const platform = process.platform;

function subscribeSnapshot(next: typeof listener): () => void {
  listener = next;
  isSubscribed = true;
  return () => {
    isSubscribed = false;
  };
}

function pretendPlatform(name: NodeJS.Platform): void {
  Object.defineProperty(process, 'platform', { value: name });
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  pretendPlatform(platform);
  expect(vi.getTimerCount()).toBe(0);
  expect(isSubscribed).toBe(false);
  expect(nativeTheme.listenerCount('updated')).toBe(0);
  vi.useRealTimers();
});

describe('createTray', () => {
  let did: unknown[];
  let isAutostartOn: boolean;
  let tray: { close(): void };

  function open(name: NodeJS.Platform = 'linux'): FakeTray {
    pretendPlatform(name);
    did = [];
    isAutostartOn = false;
    const handlers = new Proxy({} as CommandHandlers, {
      get: (_target, command: CommandName) => (request: { model: string }) => {
        if (command === 'plan-load') return Promise.resolve({ plan: plan(request.model) });
        did.push([command, request]);
        if (command === 'load-model') return Promise.reject(new AppError('start-failed', 'Out of memory.'));
        return Promise.resolve({});
      },
    });
    tray = createTray({
      subscribeSnapshot,
      handlers,
      openWindow: (page) => did.push(['window', page]),
      quit: () => did.push('quit'),
      autostart: {
        isSupported: () => true,
        isOn: () => isAutostartOn,
        set: () => Promise.reject(new AppError('conflict', 'Read-only.')),
        wasStartedByLogin: () => false,
      },
      iconFolder: '/icons',
      reportError: (error) => did.push(error.message),
    });
    return FakeTray.newest;
  }

  afterEach(() => {
    tray.close();
    tray.close();
    expect(FakeTray.newest.isDestroyed).toBe(true);
  });

  it('turns a quarter while something loads, and rests when it is done', async () => {
    const shown = open();
    listener(herd([modelView({ id: 'a', state: 'loading' })]));
    await vi.advanceTimersByTimeAsync(2250);
    const names = shown.images.map((image) => path.basename(image, '-light.png'));
    expect(names).toEqual(['idle', 'loading-1', 'loading-2', 'loading-3', 'loading-4', 'loading-1']);
    listener(herd([loaded('a')]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(shown.images.slice(names.length).map((image) => path.basename(image))).toEqual(['ready-light.png']);
  });

  it('does not turn for somebody who wants less motion', async () => {
    animation.prefersReducedMotion = true;
    try {
      const shown = open();
      listener(herd([modelView({ id: 'a', state: 'loading' })]));
      await vi.advanceTimersByTimeAsync(5000);
      expect(shown.images.map((image) => path.basename(image))).toEqual(['idle-light.png', 'loading-1-light.png']);
    } finally {
      animation.prefersReducedMotion = false;
    }
  });

  it('shows itself before there is a snapshot, then the herd and its plans', async () => {
    const shown = open();
    expect(shown.menu().item('status').label).toBe('Corral is starting');
    expect(shown.tooltip).toBe('Corral: starting');
    listener(herd([modelView({ id: 'a' }), loaded('b')]));
    await vi.advanceTimersByTimeAsync(250);
    expect(shown.tooltip).toBe('Corral: 1 loaded');
    expect(path.basename(shown.images.at(-1)!)).toBe('ready-light.png');
    await vi.advanceTimersByTimeAsync(250);
    expect(shown.menu().item('load:a').label).toBe('a   ≈5.1 GB');
    expect(shown.menu().item('model:b:eject-now').enabled).toBe(true);
  });

  it('makes a new menu only for what is new, four times a second at most', async () => {
    const shown = open();
    listener(herd([loaded('a')]));
    await vi.advanceTimersByTimeAsync(1000);
    const menus = shown.menus.length;
    listener({ ...herd([loaded('a')]), sequence: 7 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(shown.menus).toHaveLength(menus);
    for (let count = 1; count <= 100; count += 1) {
      listener(herd([loaded('a', { activeRequests: count })]));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(250);
    expect(shown.menus.length - menus).toBeLessThanOrEqual(5);
    expect(shown.menu().item('model:a').label).toContain('100 requests');
  });

  it.each(['darwin', 'win32'] as const)('leaves an open menu alone on %s, and makes up for it', async (name) => {
    const shown = open(name);
    await vi.advanceTimersByTimeAsync(1000);
    const opened = shown.menu();
    opened.emit('menu-will-show');
    listener(herd([loaded('a')]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(shown.menu()).toBe(opened);
    expect(shown.tooltip).toBe('Corral: 1 loaded');
    opened.emit('menu-will-close');
    await vi.advanceTimersByTimeAsync(250);
    expect(shown.menu().item('model:a').enabled).toBe(true);
  });

  it('opens the window on a click, except on macOS', () => {
    open('win32').emit('click');
    expect(did).toEqual([['window', undefined]]);
    tray.close();
    open('darwin').emit('click');
    expect(did).toEqual([]);
  });

  it('does what is clicked, and reports what fails', async () => {
    const shown = open();
    listener(herd([modelView({ id: 'a' }), loaded('b')]));
    await vi.advanceTimersByTimeAsync(250);
    shown.menu().click('model:b:pin');
    shown.menu().click('address');
    shown.menu().click('queue');
    shown.menu().click('load:a');
    shown.menu().click('quit');
    await vi.advanceTimersByTimeAsync(0);
    expect(copied.at(-1)).toBe('http://127.0.0.1:5526/v1');
    expect(did).toEqual([
      ['pin-model', { model: 'b' }],
      ['window', 'queue'],
      ['load-model', { model: 'a' }],
      'quit',
      'Out of memory.',
    ]);
  });

  it('takes back a tick that did not come true', async () => {
    const shown = open();
    const ticked = shown.menu();
    ticked.click('start-at-login');
    await vi.advanceTimersByTimeAsync(250);
    expect(did).toEqual(['Read-only.']);
    expect(shown.menu()).not.toBe(ticked);
    expect(shown.menu().item('start-at-login').checked).toBe(false);
  });

  it('picks another icon when the theme changes', () => {
    const shown = open('win32');
    nativeTheme.shouldUseDarkColorsForSystemIntegratedUI = true;
    nativeTheme.emit('updated');
    nativeTheme.shouldUseDarkColorsForSystemIntegratedUI = false;
    expect(shown.images.map((image) => path.basename(image))).toEqual(['idle-light.png', 'idle-dark.png']);
  });

  it('touches nothing once it is closed', async () => {
    const shown = open('darwin');
    const opened = shown.menu();
    opened.emit('menu-will-show');
    listener(herd([modelView({ id: 'a' })]));
    tray.close();
    listener(herd([loaded('a')]));
    opened.emit('menu-will-close');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(shown.menu()).toBe(opened);
  });
});

describe('createNotifications', () => {
  let isEnabled: boolean;
  let opened: unknown[];
  let notifications: { close(): void };

  beforeEach(() => {
    FakeNotification.shown = [];
    FakeNotification.isAvailable = true;
    isEnabled = true;
    opened = [];
    notifications = createNotifications({
      subscribeSnapshot,
      isEnabled: () => isEnabled,
      openWindow: (page) => opened.push(page),
    });
  });
  afterEach(() => notifications.close());

  const crash = (id: string): Snapshot => herd([modelView({ id, state: 'crashed' })]);

  it('tells of a crash, and a click leads to the model', () => {
    listener(herd([loaded('a')]));
    listener(crash('a'));
    expect(FakeNotification.shown.map(({ options }) => options.title)).toEqual(['a stopped unexpectedly']);
    FakeNotification.shown[0]!.emit('click');
    expect(opened).toEqual(['herd/a']);
  });

  it('is silent about what was there at the start, and after the engine was away', () => {
    listener(crash('a'));
    listener(undefined);
    listener(crash('b'));
    expect(FakeNotification.shown).toEqual([]);
  });

  it('is silent where the user or the system wants it, and does not make up for it', () => {
    isEnabled = false;
    listener(herd([loaded('a')]));
    listener(crash('a'));
    isEnabled = true;
    listener(crash('a'));
    FakeNotification.isAvailable = false;
    listener(herd([loaded('a')]));
    listener(crash('a'));
    expect(FakeNotification.shown).toEqual([]);
  });

  it('takes its notifications away when it is closed', () => {
    listener(herd([loaded('a')]));
    listener(crash('a'));
    notifications.close();
    expect(FakeNotification.shown[0]!.isClosed).toBe(true);
  });
});
