import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type WebContents } from 'electron';
import { channels, type CallAnswer } from '#shared/contract/channels.ts';
import { isCommandName } from '#shared/contract/commands.ts';
import { isDesktopCommandName } from '#shared/contract/desktop-commands.ts';
import { AppError, serialiseError, toAppError } from '#shared/contract/errors.ts';
import type { NumberedEvent } from '#shared/contract/events.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import type { WindowMessage } from '#shared/contract/window-messages.ts';
import { runCommand, type CommandHandlers } from '../api/command-handlers.ts';
import { isAppPage } from './app-route.ts';
import { runDesktopCommand, type DesktopHandlers } from './desktop-handlers.ts';

/** What a window can be sent changes from. */
export interface EventSource {
  snapshot(): Snapshot;
  subscribe(listener: (event: NumberedEvent) => void): () => void;
}

export interface IpcTransportOptions {
  readonly source: EventSource;
  readonly commandHandlers: CommandHandlers;
  readonly desktopHandlers: DesktopHandlers;
  log(line: string): void;
}

export interface IpcTransport {
  /** From now on these contents are one of our own windows. Ends by itself with them. */
  attach(contents: WebContents): void;
  /** Sends every window that listens a fresh snapshot. */
  refresh(): void;
  close(): void;
}

/** The same as over HTTP. */
const MAX_REQUEST_BYTES = 1024 * 1024;
/** Messages on their way to a window that has not said that they arrived; about ten seconds of a very lively herd. */
const MAX_UNRECEIVED = 500;

/** What is under way for one page of one window. */
interface PageSession {
  readonly calls: Set<AbortController>;
  feed: WindowFeed | undefined;
}

/**
 * The contract over IPC. Only the top frame of our own window, showing our own page, is answered. What a page asked for
 * ends with the page: its subscription, and its calls by their signal.
 */
export function createIpcTransport({
  source,
  commandHandlers,
  desktopHandlers,
  log,
}: IpcTransportOptions): IpcTransport {
  const sessions = new Map<WebContents, PageSession>();

  /** The session of a sender that may speak; undefined, and a line in the log, for any other. */
  function admit(event: IpcMainEvent | IpcMainInvokeEvent, channel: string): PageSession | undefined {
    const session = sessions.get(event.sender);
    // Null when the frame is gone meanwhile; asked once, since it may become so at any moment.
    const frame = event.senderFrame;
    const isAdmitted = frame !== null && frame === event.sender.mainFrame && isAppPage(frame.url);
    if (session !== undefined && isAdmitted) return session;
    const who = frame === null ? 'a frame that is gone' : JSON.stringify(frame.url.slice(0, 200));
    log(`warn Refused ${channel} from ${who}: only the window's own page may use it`);
    return undefined;
  }

  async function answer(
    event: IpcMainInvokeEvent,
    channel: string,
    run: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<CallAnswer> {
    const session = admit(event, channel);
    if (session === undefined) return refusal(new AppError('forbidden', 'Only Corral’s own window may do this.'));
    const call = new AbortController();
    session.calls.add(call);
    try {
      return { ok: true, value: await run(call.signal) };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') log(`error ${error.message}${stackOf(thrown)}`);
      return refusal(error);
    } finally {
      session.calls.delete(call);
    }
  }

  function endSession(session: PageSession): void {
    session.feed?.end();
    session.feed = undefined;
    for (const call of session.calls) call.abort(new AppError('cancelled', 'The window went away.'));
    session.calls.clear();
  }

  ipcMain.handle(channels.call, (event, name: unknown, request: unknown) =>
    answer(event, channels.call, async (signal) => {
      if (typeof name !== 'string' || !isCommandName(name)) throw unknownCommand(name);
      checkRequest(request);
      return await runCommand(commandHandlers, name, request, signal);
    }),
  );
  ipcMain.handle(channels.callDesktop, (event, name: unknown, request: unknown) =>
    answer(event, channels.callDesktop, async () => {
      if (typeof name !== 'string' || !isDesktopCommandName(name)) throw unknownCommand(name);
      checkRequest(request);
      return await runDesktopCommand(desktopHandlers, name, request);
    }),
  );

  const onSubscribe = (event: IpcMainEvent): void => {
    const session = admit(event, channels.subscribe);
    if (session === undefined) return;
    session.feed?.end();
    session.feed = startFeed(event.sender, source);
  };
  const onUnsubscribe = (event: IpcMainEvent): void => {
    const session = admit(event, channels.unsubscribe);
    session?.feed?.end();
    if (session !== undefined) session.feed = undefined;
  };
  const onReceived = (event: IpcMainEvent): void => admit(event, channels.received)?.feed?.noteReceived();
  ipcMain.on(channels.subscribe, onSubscribe);
  ipcMain.on(channels.unsubscribe, onUnsubscribe);
  ipcMain.on(channels.received, onReceived);

  return {
    attach(contents) {
      const session: PageSession = { calls: new Set(), feed: undefined };
      sessions.set(contents, session);
      contents.on('did-navigate', () => {
        endSession(session);
      });
      contents.on('render-process-gone', () => endSession(session));
      contents.once('destroyed', () => {
        endSession(session);
        sessions.delete(contents);
      });
    },
    refresh() {
      for (const { feed } of sessions.values()) feed?.refresh();
    },
    close() {
      ipcMain.removeHandler(channels.call);
      ipcMain.removeHandler(channels.callDesktop);
      ipcMain.off(channels.subscribe, onSubscribe);
      ipcMain.off(channels.unsubscribe, onUnsubscribe);
      ipcMain.off(channels.received, onReceived);
      for (const session of sessions.values()) endSession(session);
      sessions.clear();
    },
  };
}

interface WindowFeed {
  noteReceived(): void;
  refresh(): void;
  end(): void;
}

/** A whole snapshot, then every event in the order of their numbers, until the window falls too far behind. */
function startFeed(contents: WebContents, source: EventSource): WindowFeed {
  let unreceived = 0;
  let isBehind = false;

  function send(message: WindowMessage): void {
    if (contents.isDestroyed()) return;
    unreceived += 1;
    contents.send(channels.message, message);
  }
  const sendSnapshot = (): void => send({ type: 'snapshot', snapshot: source.snapshot() });

  const unsubscribe = source.subscribe((change) => {
    if (unreceived >= MAX_UNRECEIVED) isBehind = true;
    if (!isBehind) send({ type: 'change', change });
  });
  sendSnapshot();

  return {
    noteReceived() {
      unreceived = Math.max(0, unreceived - 1);
      if (!isBehind || unreceived > 0) return;
      isBehind = false;
      sendSnapshot();
    },
    refresh() {
      if (!isBehind) sendSnapshot();
    },
    end: unsubscribe,
  };
}

/** A structured clone may be anything, also what JSON cannot say; the contract is JSON. */
function checkRequest(request: unknown): void {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new AppError('invalid-request', 'A command’s request is an object.');
  }
  let text: string;
  try {
    text = JSON.stringify(request);
  } catch (thrown) {
    throw new AppError('invalid-request', 'A command’s request has to be plain JSON.', { cause: thrown });
  }
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) throw new AppError('too-large', 'The command is larger than 1 MiB.');
}

function unknownCommand(name: unknown): AppError {
  const shown = typeof name === 'string' ? `"${name.slice(0, 100)}"` : 'that is not a text';
  return new AppError('unknown-route', `There is no command ${shown}.`);
}

function refusal(error: AppError): CallAnswer {
  return { ok: false, error: serialiseError(error) };
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.stack !== undefined ? `\n${thrown.stack}` : '';
}
