import type { Bridge } from '#shared/contract/bridge.ts';
import type { EjectMode, EjectOutcome } from '#shared/contract/commands.ts';
import { formatSize } from '#shared/model/units.ts';
import { notify, notifyError } from './notices.ts';

/** What can be done to models and requests, with what became of it said in the window. None of them rejects. */
export interface ModelActions {
  load(model: string): Promise<void>;
  eject(model: string, mode: EjectMode): Promise<void>;
  ejectAll(): Promise<void>;
  setPinned(model: string, isPinned: boolean): Promise<void>;
  reset(model: string): Promise<void>;
  cancelRequest(request: string): Promise<void>;
  setGameMode(isOn: boolean): Promise<void>;
  /** For somebody who has installed llama.cpp meanwhile. */
  findEngine(): Promise<void>;
}

export function createModelActions(bridge: Bridge): ModelActions {
  async function attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      notifyError(thrown);
    }
  }

  const actions: ModelActions = {
    load: (model) => attempt(() => bridge.call('load-model', { model })),
    eject: (model, mode) =>
      attempt(async () => {
        const { ejected } = await bridge.call('eject-model', { model, mode });
        notify('done', describeEject(ejected), { label: 'Load again', run: () => void actions.load(model) });
      }),
    ejectAll: () =>
      attempt(async () => {
        const { ejected } = await bridge.call('eject-all-models', {});
        const names = ejected.filter(({ wasLoaded }) => wasLoaded).map(({ model }) => model);
        if (names.length === 0) {
          notify('done', 'Nothing was loaded.');
          return;
        }
        notify('done', `Ejected ${names.join(', ')}; ${formatSize(ejected.reduce(addFreed, 0))} came back.`, {
          label: 'Load again',
          run: () => void Promise.all(names.map((name) => actions.load(name))),
        });
      }),
    setPinned: (model, isPinned) => attempt(() => bridge.call(isPinned ? 'pin-model' : 'unpin-model', { model })),
    reset: (model) => attempt(() => bridge.call('reset-model', { model })),
    cancelRequest: (request) => attempt(() => bridge.call('cancel-request', { request })),
    findEngine: () => attempt(() => bridge.call('find-engine', {})),
    setGameMode: (isOn) =>
      attempt(async () => {
        await bridge.call('set-game-mode', { isOn });
        if (!isOn) return;
        notify('done', 'Game mode is on: everything is ejected, and nothing loads until it is off.', {
          label: 'Switch off',
          run: () => void actions.setGameMode(false),
        });
      }),
  };
  return actions;
}

function describeEject({ model, wasLoaded, freedBytes }: EjectOutcome): string {
  if (!wasLoaded) return `${model} was not loaded.`;
  const parts = Object.entries(freedBytes)
    .filter(([, bytes]) => bytes > 0)
    .map(([device, bytes]) => `${formatSize(bytes)} of ${device}`);
  return parts.length === 0 ? `Ejected ${model}.` : `Ejected ${model}; ${parts.join(' and ')} came back.`;
}

function addFreed(sum: number, { freedBytes }: EjectOutcome): number {
  return sum + Object.values(freedBytes).reduce((inner, bytes) => inner + bytes, 0);
}
