import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import type { CommandName } from '#shared/contract/commands.ts';
import type { CommandHandlers } from '../../../electron/api/command-handlers.ts';
import type { TrayAction } from '../../../electron/shell/tray-item.ts';
import { createTrayActions, type TrayActions } from '../../../electron/shell/tray-actions.ts';

describe('createTrayActions', () => {
  let did: unknown[];
  let reported: string[];
  let actions: TrayActions;
  /** What commands answer with; those not named here succeed. */
  let outcomes: Partial<Record<CommandName, (signal: AbortSignal) => Promise<unknown>>>;

  beforeEach(() => {
    did = [];
    reported = [];
    outcomes = {};
    const handlers = new Proxy({} as CommandHandlers, {
      get: (_target, name: CommandName) => (request: unknown, signal: AbortSignal) => {
        did.push([name, request]);
        return outcomes[name]?.(signal) ?? Promise.resolve({});
      },
    });
    actions = createTrayActions({
      handlers,
      autostart: {
        isSupported: () => true,
        isOn: () => false,
        set: (isOn) => Promise.resolve(void did.push(['autostart', isOn])),
        wasStartedByLogin: () => false,
      },
      openWindow: (page) => did.push(['window', page]),
      quit: () => did.push('quit'),
      copyText: (text) => Promise.resolve(void did.push(['copy', text])),
      reportError: (error) => reported.push(`${error.code}: ${error.message}`),
    });
  });

  it.each<[TrayAction, unknown]>([
    [{ do: 'copy-address', address: 'http://x/v1' }, ['copy', 'http://x/v1']],
    [{ do: 'load', model: 'a' }, ['load-model', { model: 'a' }]],
    [{ do: 'cancel-load', model: 'a' }, ['eject-model', { model: 'a', mode: 'now' }]],
    [{ do: 'eject', model: 'a', mode: 'after-queue' }, ['eject-model', { model: 'a', mode: 'after-queue' }]],
    [{ do: 'pin', model: 'a' }, ['pin-model', { model: 'a' }]],
    [{ do: 'unpin', model: 'a' }, ['unpin-model', { model: 'a' }]],
    [{ do: 'reset', model: 'a' }, ['reset-model', { model: 'a' }]],
    [{ do: 'eject-all' }, ['eject-all-models', { mode: 'when-idle' }]],
    [{ do: 'game-mode', isOn: true }, ['set-game-mode', { isOn: true }]],
    [{ do: 'open', page: 'queue' }, ['window', 'queue']],
    [{ do: 'open', page: undefined }, ['window', undefined]],
    [{ do: 'start-at-login', isOn: true }, ['autostart', true]],
    [{ do: 'quit' }, 'quit'],
  ])('carries out %j', async (action, expected) => {
    await actions.run(action);
    expect(did).toEqual([expected]);
    expect(reported).toEqual([]);
  });

  it('reports what failed', async () => {
    outcomes['load-model'] = () => Promise.reject(new AppError('no-room', 'It needs 41 GB.'));
    outcomes['pin-model'] = () => Promise.reject(new Error('odd'));
    await actions.run({ do: 'load', model: 'a' });
    await actions.run({ do: 'pin', model: 'a' });
    expect(reported).toEqual(['no-room: It needs 41 GB.', 'internal: Corral failed unexpectedly: odd']);
  });

  it.each<TrayAction>([
    { do: 'cancel-load', model: 'a' },
    { do: 'eject', model: 'a', mode: 'now' },
    { do: 'eject-all' },
  ])('does not report a load whose end was asked for here (%j), and reports the next one', async (end) => {
    let rejectLoad: (error: Error) => void = () => undefined;
    outcomes['load-model'] = () => new Promise((_resolve, reject) => (rejectLoad = reject));
    const loading = actions.run({ do: 'load', model: 'a' });
    await actions.run({ do: 'load', model: 'a' });
    await actions.run(end);
    rejectLoad(new AppError('ejected', 'It was ejected.'));
    await loading;
    expect(reported).toEqual([]);
    expect(did.filter((each) => JSON.stringify(each).includes('load-model'))).toHaveLength(1);

    const again = actions.run({ do: 'load', model: 'a' });
    rejectLoad(new AppError('start-failed', 'Out of memory.'));
    await again;
    expect(reported).toEqual(['start-failed: Out of memory.']);
  });

  it('lets go of a load when it is closed, and is silent about it', async () => {
    outcomes['load-model'] = (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const loading = actions.run({ do: 'load', model: 'a' });
    actions.close();
    await loading;
    expect(reported).toEqual([]);
  });
});
