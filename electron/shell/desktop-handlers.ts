import {
  desktopCommands,
  type DesktopCommandName,
  type DesktopRequest,
  type DesktopResponse,
  type DesktopState,
} from '#shared/contract/desktop-commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Autostart } from './autostart-contract.ts';
import type { Preferences } from './preferences.ts';
import type { Updater } from './updater-contract.ts';

/** One handler a command of the desktop. */
export type DesktopHandlers = {
  readonly [Name in DesktopCommandName]: (request: DesktopRequest<Name>) => Promise<DesktopResponse<Name>>;
};

export interface DesktopHandlersOptions {
  readonly autostart: Autostart;
  readonly updater: Updater;
  readonly preferences: Preferences;
  /** Null if the user chose nothing. */
  choosePath(kind: DesktopRequest<'choose-path'>['kind']): Promise<string | null>;
  /** Rejects with an `AppError` if there is nothing to open, or nothing to open it with. */
  openPath(which: DesktopRequest<'open-path'>['which']): Promise<void>;
}

export function createDesktopHandlers(options: DesktopHandlersOptions): DesktopHandlers {
  const { autostart, updater, preferences } = options;

  function state(): DesktopState {
    return {
      startsAtLogin: autostart.isSupported() ? autostart.isOn() : null,
      notifications: preferences.hasNotifications(),
      update: updater.status(),
    };
  }

  return {
    'read-desktop': () => Promise.resolve(state()),
    'update-desktop': async ({ startsAtLogin, notifications }) => {
      if (startsAtLogin !== undefined) {
        if (!autostart.isSupported()) {
          throw new AppError('conflict', 'This copy of Corral was not installed, so it cannot be started at login.');
        }
        await autostart.set(startsAtLogin);
      }
      if (notifications !== undefined) await preferences.setNotifications(notifications);
      return state();
    },
    'choose-path': async ({ kind }) => ({ path: await options.choosePath(kind) }),
    'open-path': async ({ which }) => {
      await options.openPath(which);
      return {};
    },
    'check-for-update': async () => {
      await updater.check();
      return state();
    },
    'install-update': async () => {
      await updater.install();
      return {};
    },
  };
}

/** Validates a request against the contract and runs its handler; the one way in for the window. */
export async function runDesktopCommand(
  handlers: DesktopHandlers,
  name: DesktopCommandName,
  payload: unknown,
): Promise<unknown> {
  const parsed = desktopCommands[name].request.safeParse(payload);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
    throw new AppError('invalid-request', `The request for ${name} is not as it should be: ${problems.join('; ')}.`);
  }
  const handler = handlers[name] as (request: unknown) => Promise<unknown>;
  return await handler(parsed.data);
}
