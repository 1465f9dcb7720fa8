import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { errorAnswer } from './error-bodies.ts';
import type { ApiFamily } from './routes.ts';

/** Nobody may say much before the other side has agreed to talk. */
const MAX_EARLY_BYTES = 64 * 1024;
/** How long a side may take to go once the other one has. */
const LINGER_MS = 5000;
/** Asks a silent side whether it is still there, after so long. */
const KEEP_ALIVE_MS = 30_000;

/** A client that asked to talk in another way, until it is told yes or no. */
export interface WaitingClient {
  readonly socket: Socket;
  /** Aborts when it goes away. */
  readonly signal: AbortSignal;
  /** What it sent meanwhile; ends the watch. */
  takeEarly(): Buffer;
}

/** Reads a socket, without which nobody would hear that its other side is gone. */
export function watchClient(socket: Socket, head: Buffer): WaitingClient {
  const gone = new AbortController();
  const chunks = [head];
  let earlyBytes = head.length;
  const leave = (): void => {
    gone.abort(new AppError('cancelled', 'The client went away.'));
    socket.destroy();
  };
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    earlyBytes += chunk.length;
    if (earlyBytes > MAX_EARLY_BYTES) leave();
  };
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on('error', leave).on('close', leave).on('end', leave).on('data', onData);
  return {
    socket,
    signal: gone.signal,
    takeEarly() {
      socket.pause();
      socket.off('end', leave).off('data', onData);
      return Buffer.concat(chunks);
    },
  };
}

/** The head of an answer, for a socket that has no HTTP around it any more. Pure. */
export function formatHead(status: number, statusText: string | undefined, headers: OutgoingHttpHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}`),
  );
  return `HTTP/1.1 ${status} ${statusText ?? STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** Tells a client no, in HTTP and in the shape of its family, and lets it go. */
export function refuseUpgrade(
  socket: Socket,
  error: AppError,
  { family, clock }: { readonly family: ApiFamily; readonly clock: Clock },
): void {
  if (socket.destroyed) return;
  const { status, headers, body } = errorAnswer(error, family);
  socket.end(formatHead(status, undefined, { ...headers, connection: 'close' }) + body);
  letGo(socket, clock);
}

/** Throws away what still comes, and ends the connection if the other side does not. */
export function letGo(socket: Socket, clock: Clock): void {
  socket.resume();
  const timer = clock.setTimer(LINGER_MS, () => socket.destroy());
  socket.once('close', () => timer.cancel());
}

/**
 * Passes bytes on in both directions, each side at the pace of the other, until one of them goes; the other one may say its
 * last words then. Resolves once both are closed, with who went first. `abort` ends both.
 */
export function joinSockets(
  client: Socket,
  model: Socket,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<'client' | 'model'> {
  return new Promise((resolve) => {
    let first: 'client' | 'model' | undefined;
    let open = 2;
    const destroyBoth = (): void => {
      client.destroy();
      model.destroy();
    };
    const watch = (socket: Socket, who: 'client' | 'model', other: Socket): void => {
      socket.once('end', () => {
        first ??= who;
        letGoSoon(other);
      });
      // An error is followed by `close`.
      socket.on('error', () => (first ??= who));
      const onClose = (): void => {
        first ??= who;
        other.destroySoon();
        letGoSoon(other);
        open -= 1;
        if (open === 0) {
          signal.removeEventListener('abort', destroyBoth);
          resolve(first);
        }
      };
      if (socket.closed) onClose();
      else socket.once('close', onClose);
    };
    const letGoSoon = (socket: Socket): void => {
      const timer = clock.setTimer(LINGER_MS, () => socket.destroy());
      socket.once('close', () => timer.cancel());
    };
    watch(client, 'client', model);
    watch(model, 'model', client);
    client.pipe(model);
    model.pipe(client);
    if (signal.aborted) destroyBoth();
    else signal.addEventListener('abort', destroyBoth, { once: true });
  });
}
