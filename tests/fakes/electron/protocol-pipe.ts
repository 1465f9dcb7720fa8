import { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** An event of Chromium's, of one session or (without) of the browser itself. */
export interface ProtocolEvent {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly sessionId: string | undefined;
}

export interface ProtocolPipe {
  /** Rejects with Chromium's message, or once Chromium is gone. */
  send(method: string, params?: Record<string, unknown>, sessionId?: string): Promise<Record<string, unknown>>;
  onEvent(listener: (event: ProtocolEvent) => void): () => void;
  /** Chromium ends by itself once its pipe is closed, however that came about. */
  close(): void;
}

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly sessionId?: string;
}

/** The DevTools protocol over the pipe that `--remote-debugging-pipe` opens: JSON texts that end with a NUL. */
export function createProtocolPipe(toChromium: Writable, fromChromium: Readable): ProtocolPipe {
  const waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  const events = new EventEmitter();
  events.setMaxListeners(0);
  let lastId = 0;
  let isClosed = false;
  let pending = '';

  const fail = (): void => {
    isClosed = true;
    for (const each of waiting.values()) each.reject(new Error('Chromium is gone.'));
    waiting.clear();
  };
  const take = (message: Message): void => {
    if (message.id === undefined) {
      const event: ProtocolEvent = {
        method: message.method ?? '',
        params: message.params ?? {},
        sessionId: message.sessionId,
      };
      events.emit('event', event);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) call?.resolve(message.result ?? {});
    else call?.reject(new Error(message.error.message));
  };

  fromChromium.setEncoding('utf8');
  fromChromium.on('data', (chunk: string) => {
    const texts = (pending + chunk).split('\0');
    pending = texts.pop() ?? '';
    for (const text of texts) take(JSON.parse(text) as Message);
  });
  fromChromium.on('close', fail);
  fromChromium.on('error', fail);
  toChromium.on('error', fail);

  return {
    send(method, params = {}, sessionId) {
      if (isClosed) return Promise.reject(new Error('Chromium is gone.'));
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        toChromium.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      });
    },
    onEvent(listener) {
      events.on('event', listener);
      return () => void events.off('event', listener);
    },
    close() {
      fail();
      toChromium.end();
      fromChromium.destroy();
    },
  };
}
