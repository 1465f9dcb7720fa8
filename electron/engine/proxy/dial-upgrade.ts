import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { AppError } from '#shared/contract/errors.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Endpoint } from '../supervisor/endpoint.ts';

/** What a model's server said to the wish to talk in another way. */
export type UpgradeAnswer =
  | { readonly isSwitched: true; readonly response: IncomingMessage; readonly socket: Socket; readonly head: Buffer }
  | { readonly isSwitched: false; readonly response: IncomingMessage };

/**
 * Asks a server over a connection of its own, since it will not be one for requests any more. Rejects with
 * `upstream-unavailable` (whose cause is the failure itself) or `upstream-timeout`, or with the signal's reason.
 */
export function dialUpgrade(options: {
  readonly endpoint: Pick<Endpoint, 'listen' | 'origin' | 'basePath'>;
  /** How messages call it, at the beginning of a sentence. */
  readonly upstreamName: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly clock: Clock;
  /** How long the answer may take; 0 waits for ever. */
  readonly responseTimeoutMs: number;
  /** How long the connection may take; undefined for servers of this machine, which are there or not. */
  readonly connectTimeoutMs?: number;
  readonly signal: AbortSignal;
  /** What is known by now about why it did not take the connection. */
  explainLoss?(): AppError | undefined;
}): Promise<UpgradeAnswer> {
  const { endpoint, upstreamName, clock, signal, responseTimeoutMs, connectTimeoutMs } = options;
  const origin = new URL(endpoint.origin);
  const { hostname, port } = urlToHttpOptions(origin);
  const { request: send } = origin.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = send({
      ...(endpoint.listen.kind === 'socket' ? { socketPath: endpoint.listen.path } : { hostname, port }),
      method: 'GET',
      path: endpoint.basePath + options.path,
      headers: [...options.headers, 'host', origin.host, 'connection', 'Upgrade', 'upgrade', 'websocket'],
      agent: false,
    });
    const timers: Timer[] = [];
    const finish = (): void => {
      for (const timer of timers) timer.cancel();
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error): void => {
      finish();
      request.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason as Error);
    const cannotConnect = (error: Error): void => {
      const message = `${upstreamName} did not take the connection (${error.message}).`;
      fail(options.explainLoss?.() ?? new AppError('upstream-unavailable', message, { cause: error }));
    };
    if (responseTimeoutMs > 0) {
      const message = `${upstreamName} did not answer for ${formatDuration(responseTimeoutMs)}.`;
      timers.push(clock.setTimer(responseTimeoutMs, () => fail(new AppError('upstream-timeout', message))));
    }
    if (connectTimeoutMs !== undefined) {
      const error = new Error(`no connection within ${formatDuration(connectTimeoutMs)}`);
      const timer = clock.setTimer(connectTimeoutMs, () => cannotConnect(error));
      timers.push(timer);
      // Said once the request can be written, which over TLS is after its handshake.
      request.once('finish', () => timer.cancel());
    }
    request.once('upgrade', (response, socket: Socket, head) => {
      finish();
      resolve({ isSwitched: true, response, socket, head });
    });
    request.once('response', (response) => {
      finish();
      resolve({ isSwitched: false, response });
    });
    request.on('error', cannotConnect);
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort, { once: true });
      request.end();
    }
  });
}
