import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { errorAnswer } from './error-bodies.ts';
import type { ApiFamily } from './routes.ts';

/** Whoever writes on for longer does not listen. */
const LINGER_MS = 1000;
const LINGER_BYTES = 16 * 1024 * 1024;

/** How long a client has for the rest of a body that nobody wanted to read. */
const UNREAD_MS = 5000;

/**
 * Ends the connection of a request that was answered without its body being read, if the body never ends: it would be taken
 * for one that is kept alive.
 */
export function closeIfUnread(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => {
      if (!request.complete) request.socket.destroy();
    }, UNREAD_MS);
    timer.unref();
    request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}

/**
 * Refuses a request whose body is still on its way. Closing at once would meet a client that still writes with a reset, and
 * many then never read the answer (RFC 9112, section 9.6): so the answer goes out whole, what still comes is thrown away for
 * a second and 16 MiB at most, and then the connection is closed.
 */
export function refuseUnread(
  request: IncomingMessage,
  response: ServerResponse,
  error: AppError,
  { family, clock }: { readonly family: ApiFamily; readonly clock: Clock },
): void {
  const { status, headers, body } = errorAnswer(error, family);
  response.writeHead(status, { ...headers, connection: 'close' });
  response.write(body);
  let isClosed = false;
  let lateBytes = 0;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    timer.cancel();
    response.end();
  };
  const timer = clock.setTimer(LINGER_MS, close);
  request.once('end', close).once('close', close).once('error', close);
  response.once('close', close);
  request.on('data', (chunk: Buffer) => {
    lateBytes += chunk.length;
    if (lateBytes > LINGER_BYTES) close();
  });
  request.resume();
}
