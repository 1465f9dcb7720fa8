import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { CommandHandlers } from '../api/command-handlers.ts';
import type { Autostart } from './autostart-contract.ts';
import type { TrayAction } from './tray-item.ts';

export interface TrayActionsOptions {
  readonly handlers: CommandHandlers;
  readonly autostart: Autostart;
  openWindow(page?: string): void;
  quit(): void;
  copyText(text: string): Promise<void>;
  /** Hears of everything that was asked for and did not come about. */
  reportError(error: AppError): void;
}

export interface TrayActions {
  /** Resolves once it is done or was reported; never rejects. */
  run(action: TrayAction): Promise<void>;
  /** Lets go of what is still waited for. */
  close(): void;
}

/** Carries out what the menu asks for. Does not know Electron. */
export function createTrayActions(options: TrayActionsOptions): TrayActions {
  const { handlers } = options;
  const closing = new AbortController();
  const { signal } = closing;
  /** Loads asked for here; true once their end was asked for here too, and is no news. */
  const loads = new Map<string, boolean>();

  async function load(model: string): Promise<void> {
    if (loads.has(model)) return;
    loads.set(model, false);
    try {
      await handlers['load-model']({ model }, signal);
    } catch (thrown) {
      if (loads.get(model) !== true) throw thrown;
    } finally {
      loads.delete(model);
    }
  }

  async function carryOut(action: TrayAction): Promise<void> {
    switch (action.do) {
      case 'copy-address':
        await options.copyText(action.address);
        return;
      case 'load':
        await load(action.model);
        return;
      case 'cancel-load':
        if (loads.has(action.model)) loads.set(action.model, true);
        await handlers['eject-model']({ model: action.model, mode: 'now' }, signal);
        return;
      case 'eject':
        if (loads.has(action.model)) loads.set(action.model, true);
        await handlers['eject-model']({ model: action.model, mode: action.mode }, signal);
        return;
      case 'pin':
        await handlers['pin-model']({ model: action.model }, signal);
        return;
      case 'unpin':
        await handlers['unpin-model']({ model: action.model }, signal);
        return;
      case 'reset':
        await handlers['reset-model']({ model: action.model }, signal);
        return;
      case 'eject-all':
        for (const model of loads.keys()) loads.set(model, true);
        await handlers['eject-all-models']({ mode: 'when-idle' }, signal);
        return;
      case 'game-mode':
        await handlers['set-game-mode']({ isOn: action.isOn }, signal);
        return;
      case 'open':
        options.openWindow(action.page);
        return;
      case 'start-at-login':
        await options.autostart.set(action.isOn);
        return;
      case 'quit':
        options.quit();
        return;
    }
  }

  return {
    async run(action) {
      try {
        await carryOut(action);
      } catch (thrown) {
        if (!signal.aborted) options.reportError(toAppError(thrown));
      }
    },
    close() {
      closing.abort(new AppError('shutting-down', 'The tray was closed.'));
    },
  };
}
