import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '#shared/contract/errors.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../scheduler/lease.ts';

/** What a model's process said to the wish to talk in another way. */
export type UpgradeAnswer =
  | { readonly isSwitched: true; readonly response: IncomingMessage; readonly socket: Socket; readonly head: Buffer }
  | { readonly isSwitched: false; readonly response: IncomingMessage };

/** A server that means to agree does so at once. */
const HANDSHAKE_LIMIT_MS = 60_000;

/**
 * Asks a model's process over a connection of its own, since it will not be one for requests any more. Rejects with
 * `upstream-unavailable` or `upstream-timeout`, or with the signal's reason.
 */
export function dialUpgrade(options: {
  readonly lease: Lease;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly clock: Clock;
  /** 0 means the usual limit. */
  readonly responseTimeoutMs: number;
  readonly signal: AbortSignal;
  explainLoss(): AppError | undefined;
}): Promise<UpgradeAnswer> {
  const { lease, clock, signal } = options;
  const { listen, origin } = lease.endpoint;
  const limitMs = options.responseTimeoutMs === 0 ? HANDSHAKE_LIMIT_MS : options.responseTimeoutMs;
  return new Promise((resolve, reject) => {
    const request = http.request({
      ...(listen.kind === 'socket' ? { socketPath: listen.path } : { host: listen.host, port: listen.port }),
      method: 'GET',
      path: options.path,
      headers: [...options.headers, 'host', new URL(origin).host, 'connection', 'Upgrade', 'upgrade', 'websocket'],
      agent: false,
    });
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error): void => {
      finish();
      request.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason as Error);
    const timer = clock.setTimer(limitMs, () => {
      fail(new AppError('upstream-timeout', `Model "${lease.modelId}" did not answer for ${formatDuration(limitMs)}.`));
    });
    request.once('upgrade', (response, socket: Socket, head) => {
      finish();
      resolve({ isSwitched: true, response, socket, head });
    });
    request.once('response', (response) => {
      finish();
      resolve({ isSwitched: false, response });
    });
    request.on('error', (error) => {
      const message = `The process of model "${lease.modelId}" did not take the connection (${error.message}).`;
      fail(options.explainLoss() ?? new AppError('upstream-unavailable', message, { cause: error }));
    });
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort, { once: true });
      request.end();
    }
  });
}
