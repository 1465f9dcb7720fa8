import { applyEvent } from '#shared/contract/apply-event.ts';
import type { Bridge, BridgeListener } from '#shared/contract/bridge.ts';
import type { CallAnswer, WindowBridge } from '#shared/contract/channels.ts';
import { commands, type CommandName, type CommandRequest, type CommandResponse } from '#shared/contract/commands.ts';
import {
  desktopCommands,
  type DesktopCommandName,
  type DesktopRequest,
  type DesktopResponse,
} from '#shared/contract/desktop-commands.ts';
import { AppError, deserialiseError, serialisedErrorSchema } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { windowMessageSchema } from '#shared/contract/window-messages.ts';

/** What only the desktop app can do. */
export interface DesktopBridge {
  readonly platform: string;
  /** Rejects with an `AppError`. */
  call<Name extends DesktopCommandName>(name: Name, request: DesktopRequest<Name>): Promise<DesktopResponse<Name>>;
  /** Tray and notifications ask for pages of the window. */
  onNavigate(onPage: (page: string) => void): () => void;
}

/** The bridge over the channels that the preload script exposes. A gap in the events makes it ask for a new snapshot. */
export function createIpcBridge(windowBridge: WindowBridge): Bridge {
  const closing = new AbortController();
  const listeners = new Set<BridgeListener>();
  let snapshot: Snapshot | undefined;
  let unsubscribe: (() => void) | undefined;

  function restart(): void {
    unsubscribe?.();
    snapshot = undefined;
    unsubscribe = windowBridge.subscribe(onMessage);
  }

  function onMessage(raw: unknown): void {
    const message = windowMessageSchema.parse(raw);
    if (message.type === 'snapshot') {
      snapshot = message.snapshot;
      for (const listener of listeners) listener.onUpdate({ snapshot, event: undefined });
      return;
    }
    if (snapshot === undefined) return; // Sent before the snapshot that was asked for anew.
    const next = applyEvent(snapshot, message.change);
    if (next === undefined) {
      for (const listener of listeners) listener.onDisconnect('an update was missed');
      restart();
      return;
    }
    snapshot = next;
    for (const listener of listeners) listener.onUpdate({ snapshot: next, event: message.change.event });
  }

  return {
    async call<Name extends CommandName>(
      name: Name,
      request: CommandRequest<Name>,
      signal?: AbortSignal,
    ): Promise<CommandResponse<Name>> {
      signal?.throwIfAborted();
      if (closing.signal.aborted) throw closedError();
      const answer = await withAbort(windowBridge.call(name, request), signal, closing.signal);
      return readAnswer(name, answer, commands[name].response) as CommandResponse<Name>;
    },
    subscribe(listener) {
      if (closing.signal.aborted) return () => undefined;
      listeners.add(listener);
      if (listeners.size === 1) restart();
      else if (snapshot !== undefined) listener.onUpdate({ snapshot, event: undefined });
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        unsubscribe?.();
        unsubscribe = undefined;
        snapshot = undefined;
      };
    },
    close() {
      listeners.clear();
      unsubscribe?.();
      unsubscribe = undefined;
      closing.abort();
    },
  };
}

export function createDesktopBridge(windowBridge: WindowBridge): DesktopBridge {
  return {
    platform: windowBridge.platform,
    async call<Name extends DesktopCommandName>(name: Name, request: DesktopRequest<Name>) {
      const answer = await windowBridge.callDesktop(name, request);
      return readAnswer(name, answer, desktopCommands[name].response) as DesktopResponse<Name>;
    },
    onNavigate: (onPage) =>
      windowBridge.onNavigate((page) => {
        if (typeof page === 'string') onPage(page);
      }),
  };
}

function readAnswer(
  name: string,
  answer: CallAnswer,
  schema: { safeParse(value: unknown): { success: boolean; data?: unknown } },
): unknown {
  if (answer.ok) {
    const parsed = schema.safeParse(answer.value);
    if (parsed.success) return parsed.data;
    throw new AppError('internal', `Corral answered ${name} with something the window does not understand.`);
  }
  const error = serialisedErrorSchema.safeParse(answer.error);
  throw error.success ? deserialiseError(error.data) : new AppError('internal', `Corral could not answer ${name}.`);
}

function closedError(): AppError {
  return new AppError('upstream-unavailable', 'The window has ended its connection to Corral.');
}

/** What is under way in the main process goes on; only the wait for it ends. */
async function withAbort<Value>(
  value: Promise<Value>,
  signal: AbortSignal | undefined,
  closing: AbortSignal,
): Promise<Value> {
  return await new Promise<Value>((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason as Error);
    const onClose = (): void => reject(closedError());
    signal?.addEventListener('abort', onAbort, { once: true });
    closing.addEventListener('abort', onClose, { once: true });
    void value.then(resolve, reject).finally(() => {
      signal?.removeEventListener('abort', onAbort);
      closing.removeEventListener('abort', onClose);
    });
  });
}
