import { describe, expect, it } from 'vitest';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { decideTrayIcon } from '../../../electron/shell/tray-icon.ts';
import { trayPlatform } from '../../../electron/shell/tray-platform.ts';
import { modelView, queueEntry } from '../../fakes/views.ts';
import { herd, loaded } from './support/views.ts';

const gameMode: Partial<Snapshot> = { memory: { devices: [], isGameMode: true } };

function withInstance(snapshot: Snapshot, changes: Partial<Snapshot['instance']>): Snapshot {
  return { ...snapshot, instance: { ...snapshot.instance, ...changes } };
}

describe('decideTrayIcon', () => {
  it.each<[string, Snapshot | undefined, string, string]>([
    ['no snapshot', undefined, 'idle', 'Corral: starting'],
    ['stopping', withInstance(herd([loaded('a')]), { isShuttingDown: true }), 'idle', 'Corral: stopping'],
    ['nothing loaded', herd([modelView()]), 'idle', 'Corral: nothing is loaded'],
    ['game mode', herd([modelView()], gameMode), 'idle', 'Corral: game mode'],
    [
      'held in game mode',
      herd([modelView()], { ...gameMode, queue: [queueEntry()] }),
      'idle',
      'Corral: game mode, 1 waiting',
    ],
    ['loaded', herd([loaded('a'), loaded('b')]), 'ready', 'Corral: 2 loaded'],
    ['busy', herd([loaded('a', { activeRequests: 2 })]), 'busy', 'Corral: 1 loaded, 2 requests'],
    ['a queue', herd([loaded('a')], { queue: [queueEntry()] }), 'busy', 'Corral: 1 loaded, 1 waiting'],
    [
      'loading beside work',
      herd([loaded('a', { activeRequests: 1 }), loaded('b', { state: 'loading' })]),
      'loading',
      'Corral: loading b, 1 loaded, 1 request',
    ],
    [
      'two starts',
      herd([loaded('a', { state: 'starting' }), loaded('b', { state: 'loading' })]),
      'loading',
      'Corral: loading 2 models',
    ],
    [
      'a download',
      herd([], { engine: { status: 'installing', step: 'downloading' } }),
      'loading',
      'Corral: getting llama.cpp',
    ],
    [
      'failed beside work',
      herd([loaded('a', { activeRequests: 1 }), modelView({ id: 'b', state: 'failed' })]),
      'trouble',
      'Corral: b failed',
    ],
    ['crashed', herd([modelView({ id: 'b', state: 'crashed' })]), 'trouble', 'Corral: b crashed'],
    [
      'two failed',
      herd([modelView({ id: 'a', state: 'failed' }), modelView({ id: 'b', state: 'crashed' })]),
      'trouble',
      'Corral: 2 models failed',
    ],
    [
      'no llama-server',
      herd([], { engine: { status: 'missing', reason: 'r', hint: 'h' } }),
      'trouble',
      'Corral: there is no llama-server',
    ],
    [
      'config',
      withInstance(herd([]), { configErrors: [{ path: 'a', message: 'b' }] }),
      'trouble',
      'Corral: the configuration has an error',
    ],
    ['a hostile name', herd([modelView({ id: 'a\nb\u202ec', state: 'crashed' })]), 'trouble', 'Corral: a bc crashed'],
  ])('%s', (_name, snapshot, state, tooltip) => {
    expect(decideTrayIcon(snapshot)).toEqual({ state, tooltip });
  });
});

describe('the icon file', () => {
  const light = { isAppDark: false, isBarDark: false, desktop: 'KDE' };
  it.each([
    ['darwin', light, 'readyTemplate.png'],
    ['win32', light, 'ready-light.png'],
    ['win32', { ...light, isAppDark: true }, 'ready-light.png'],
    ['win32', { ...light, isBarDark: true }, 'ready-dark.png'],
    ['linux', light, 'linux/ready-light.png'],
    ['linux', { ...light, isAppDark: true }, 'linux/ready-dark.png'],
    ['linux', { ...light, desktop: 'ubuntu:GNOME' }, 'linux/ready-dark.png'],
  ] as const)('is made for the bar it is on: %s %j', (platform, themes, file) => {
    expect(trayPlatform(platform).iconFile('ready', themes)).toBe(file);
  });
});
