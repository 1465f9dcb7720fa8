import { Pool, type Dispatcher } from 'undici';
import type { Clock } from '../ports/clock.ts';
import { createStreamConnections, type StreamConnections } from './stream-connections.ts';

/** Where a model's process listens. */
export type ListenAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** Goes in front of every route. */
      readonly basePath?: string;
    };

/** A model's process as the proxy sees it: somewhere to send requests, valid until the process ends. */
export interface Endpoint {
  readonly listen: ListenAddress;
  /** Sent as Bearer to processes whose command line Corral builds; nobody else knows it. */
  readonly apiKey: string | undefined;
  /** The origin requests are addressed to. For a Unix socket only the Host header comes from it. */
  readonly origin: string;
  /** Goes in front of every path; empty for most. */
  readonly basePath: string;
  readonly dispatcher: Dispatcher;
  readonly streams: StreamConnections;
  /** Pieces of answers that came from it; counted by the proxy, a sign of life for the health watch. */
  piecesSeen: number;
  /** Requests it has to answer; kept by the proxy. */
  runningRequests: number;
  /** Destroys all connections; running requests fail. */
  close(): Promise<void>;
}

/** A connection that the child says nothing about is not trusted for longer than this once idle. */
const UNADVERTISED_IDLE_MS = 1000;

export function describeListenAddress(listen: ListenAddress): string {
  return listen.kind === 'socket' ? listen.path : `${hostInUrl(listen.host)}:${listen.port}`;
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Opens the connections to a process. A POST must not meet a connection that the child is just closing, since it cannot
 * be repeated: an idle connection is reused for less than half the time the child advertises in `Keep-Alive: timeout=…`.
 * There is no limit on how long an answer may take here: prompts on slow machines take many minutes, and the limits of
 * `server.timeouts` are kept by the proxy.
 */
export function openEndpoint(options: {
  listen: ListenAddress;
  apiKey: string | undefined;
  advertisedIdleMs: number | undefined;
  connectTimeoutMs: number;
  clock: Clock;
}): Endpoint {
  const { listen, apiKey, advertisedIdleMs, connectTimeoutMs, clock } = options;
  const origin = listen.kind === 'socket' ? 'http://localhost' : `http://${hostInUrl(listen.host)}:${listen.port}`;
  const basePath = listen.kind === 'socket' ? '' : (listen.basePath ?? '');
  const idleMs = advertisedIdleMs === undefined ? UNADVERTISED_IDLE_MS : Math.max(1, advertisedIdleMs / 2 - 1);
  return {
    listen,
    apiKey,
    origin,
    basePath,
    ...openConnections(origin, clock, {
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      keepAliveTimeoutThreshold: 0,
      connect: { timeout: connectTimeoutMs, ...(listen.kind === 'socket' ? { socketPath: listen.path } : {}) },
    }),
  };
}

/** As many connections to one origin as there are requests, none of which is limited in time. */
export function openConnections(
  origin: string,
  clock: Clock,
  options: Pool.Options,
): Pick<Endpoint, 'dispatcher' | 'streams' | 'piecesSeen' | 'runningRequests' | 'close'> {
  const unlimited = { ...options, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 };
  const dispatcher = new Pool(origin, { ...unlimited, connections: null });
  const openOne = (): Dispatcher => new Pool(origin, { ...unlimited, connections: 1 });
  const streams = createStreamConnections({ shared: dispatcher, openOne, clock });
  return {
    dispatcher,
    streams,
    piecesSeen: 0,
    runningRequests: 0,
    async close() {
      await Promise.all([dispatcher.destroy(), streams.destroy()]);
    },
  };
}
