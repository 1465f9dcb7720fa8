import type { Bridge, BridgeListener, BridgeUpdate } from '#shared/contract/bridge.ts';
import type { CommandName, CommandRequest, CommandResponse } from '#shared/contract/commands.ts';

type Answers = {
  readonly [Name in CommandName]?: (
    request: CommandRequest<Name>,
    signal: AbortSignal | undefined,
  ) => CommandResponse<Name> | Promise<CommandResponse<Name>>;
};

export interface ScriptedBridge extends Bridge {
  readonly calls: { readonly name: CommandName; readonly request: unknown }[];
  readonly subscriberCount: number;
  update(update: BridgeUpdate): void;
  disconnect(): void;
}

/** A bridge whose answers and events a test decides. A command without an answer fails the test. */
export function createScriptedBridge(answers: Answers): ScriptedBridge {
  const calls: { name: CommandName; request: unknown }[] = [];
  const listeners = new Set<BridgeListener>();
  return {
    calls,
    async call(name, request, signal) {
      calls.push({ name, request });
      const answer = answers[name];
      if (answer === undefined) throw new Error(`no answer is scripted for ${name}`);
      return await answer(request, signal);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => listeners.clear(),
    get subscriberCount() {
      return listeners.size;
    },
    update: (update) => listeners.forEach((listener) => listener.onUpdate(update)),
    disconnect: () => listeners.forEach((listener) => listener.onDisconnect('the connection ended')),
  };
}
