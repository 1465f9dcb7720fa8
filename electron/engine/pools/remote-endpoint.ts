import type { PoolConfig, PoolEndpointConfig } from '../config/resolved-config.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { openConnections, type Endpoint } from '../supervisor/endpoint.ts';
import { initialEndpointState, nextEndpointState, type EndpointNews, type EndpointState } from './endpoint-state.ts';
import { nextVia, VIA_HEADER, withoutOwnModels } from './hops.ts';
import type { RemoteModel } from './pool-names.ts';
import { probeEndpoint } from './probe-endpoint.ts';

/** One server elsewhere: its connections, how it is, and what it lists. Asks it from time to time until it is closed. */
export interface RemoteEndpoint {
  readonly url: string;
  /** What stands before `/v1` in its addresses; may be empty. */
  readonly basePath: string;
  /** For the proxy. */
  readonly connections: Endpoint;
  connectTimeoutMs(): number;
  state(): EndpointState;
  /** Its model list as last read; undefined until it was. */
  listed(): ReadonlyMap<string, RemoteModel> | undefined;
  /** Wall-clock milliseconds of the last check; undefined before the first. */
  checkedAt(): number | undefined;
  /** What a request found out. */
  report(news: EndpointNews): void;
  /** Asks now; resolves once it is known how it is. Those who ask meanwhile share one question. */
  check(): Promise<void>;
  /** No older than `maxAgeMs`. */
  refreshList(maxAgeMs: number): Promise<void>;
  configure(health: PoolConfig['health']): void;
  /** Ends checks at once, and connections once the requests on them have been answered. */
  close(): Promise<void>;
  /** Ends connections at once, too. */
  destroy(): Promise<void>;
}

/** A model that was added elsewhere is seen here within this; a longer list costs the other side, too. */
const LIST_MAX_AGE_MS = 60_000;
/** A connection whose server says nothing about it is not trusted for longer once idle, like that of a model's process. */
const UNADVERTISED_IDLE_MS = 1000;
/**
 * Of what a server advertises so much is left out: a POST must not meet a connection that is just being closed, since it
 * cannot be repeated. With the usual 5 s that leaves the half.
 */
const IDLE_MARGIN_MS = 2500;
const LONGEST_IDLE_MS = 2500;

export function openRemoteEndpoint(options: {
  readonly config: Pick<PoolEndpointConfig, 'url' | 'apiKey'>;
  readonly health: PoolConfig['health'];
  readonly ownId: string;
  readonly clock: Clock;
  /** Its health, its problem or its list is another. */
  onChange(before: EndpointState, after: EndpointState): void;
  /** It was asked how it is, whatever came of that. */
  onChecked(): void;
}): RemoteEndpoint {
  const { config, ownId, clock, onChange, onChecked } = options;
  const { origin, pathname } = new URL(config.url);
  const basePath = pathname === '/' ? '' : pathname;
  const connections = connectTo(origin, config.apiKey, options.health.timeoutMs, clock);
  const closing = new AbortController();
  let { health } = options;
  let state = initialEndpointState(clock.nowMs());
  let listed: ReadonlyMap<string, RemoteModel> | undefined;
  let listedMs = Number.NEGATIVE_INFINITY;
  let checkedAt: number | undefined;
  let checking: Promise<void> | undefined;
  let timer: Timer | undefined;

  function take(news: EndpointNews): void {
    const before = state;
    state = nextEndpointState(state, news, { nowMs: clock.nowMs(), intervalMs: health.intervalMs });
    if (before.health !== state.health || before.problem !== state.problem) onChange(before, state);
  }

  function schedule(): void {
    timer?.cancel();
    if (closing.signal.aborted || checking !== undefined) return;
    timer = clock.setTimer(Math.max(0, state.nextCheckMs - clock.nowMs()), () => void check());
  }

  async function ask(wantsList: boolean): Promise<void> {
    const result = await probeEndpoint({
      dispatcher: connections.dispatcher,
      origin,
      basePath,
      apiKey: config.apiKey,
      healthPath: health.path,
      wantsList,
      timeoutMs: health.timeoutMs,
      headers: { [VIA_HEADER]: nextVia([], ownId) },
      clock,
      signal: closing.signal,
    });
    if (closing.signal.aborted) return;
    checkedAt = clock.wallMs();
    if (result.kind === 'answered') {
      // What keeps no list is not asked for it all the time.
      if (wantsList) listedMs = clock.nowMs();
      if (result.models !== undefined) {
        const before = listed;
        listed = withoutOwnModels(result.models, result.instanceId, ownId);
        if (before?.size !== listed.size && state.health === 'healthy') onChange(state, state);
      }
      take({ kind: 'answered' });
    } else take(result);
    onChecked();
  }

  function check(wantsList = clock.nowMs() - listedMs >= LIST_MAX_AGE_MS || state.health === 'down'): Promise<void> {
    timer?.cancel();
    checking ??= ask(wantsList).finally(() => {
      checking = undefined;
      schedule();
    });
    return checking;
  }

  void check();

  return {
    url: config.url,
    basePath,
    connections,
    connectTimeoutMs: () => health.timeoutMs,
    state: () => state,
    listed: () => listed,
    checkedAt: () => checkedAt,
    report(news) {
      // That requests are answered is no reason to ask less often what else there is.
      if (news.kind === 'answered' && state.health === 'healthy') return;
      take(news);
      schedule();
    },
    check: () => check(),
    async refreshList(maxAgeMs) {
      if (checking !== undefined) await checking;
      if (clock.nowMs() - listedMs > maxAgeMs && state.health !== 'down') await check(true);
    },
    configure(next) {
      const isSooner = next.intervalMs < health.intervalMs || next.path !== health.path;
      health = next;
      if (isSooner) void check();
    },
    async close() {
      timer?.cancel();
      closing.abort();
      await Promise.all([connections.dispatcher.close(), connections.streams.close()]);
    },
    async destroy() {
      timer?.cancel();
      closing.abort();
      await connections.close();
    },
  };
}

function connectTo(origin: string, apiKey: string | undefined, connectTimeoutMs: number, clock: Clock): Endpoint {
  const { hostname, port, protocol } = new URL(origin);
  return {
    listen: { kind: 'tcp', host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) },
    apiKey,
    origin,
    // The path of each request begins with it already: a pool's endpoints differ in it.
    basePath: '',
    ...openConnections(origin, clock, {
      keepAliveTimeout: UNADVERTISED_IDLE_MS,
      keepAliveMaxTimeout: LONGEST_IDLE_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      connect: { timeout: connectTimeoutMs },
    }),
  };
}
