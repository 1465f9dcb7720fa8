import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Lease } from '../scheduler/lease.ts';
import { dialUpgrade, type UpgradeAnswer } from './dial-upgrade.ts';
import { forwardedRequestHeaders, returnedHeaders } from './forward-headers.ts';
import { checkHost, checkLaneModel, checkOrigin, identifyLane, type Lane } from './guards.ts';
import { unknownModel } from './find-target.ts';
import type { InferenceDependencies, InferencePlace } from './inference.ts';
import type { PooledHandshake, PooledTarget } from './pooled-requests.ts';
import { PRIORITY_HEADER, requestPriority } from './request-priority.ts';
import { splitUrl, type RequestUrl } from './request-url.ts';
import { formatHead, joinSockets, letGo, refuseUpgrade, watchClient } from './upgrade-socket.ts';
import { findUpstreamTarget, isClosed } from './upstream-path.ts';

/** Takes over the socket of a request for a WebSocket, whatever comes of it. */
export type UpgradeListener = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

type UpgradeDependencies = Pick<
  InferenceDependencies,
  | 'clock'
  | 'logger'
  | 'resolveModel'
  | 'resolvePrefix'
  | 'knownModels'
  | 'peek'
  | 'isShuttingDown'
  | 'acquireNow'
  | 'acquire'
  | 'loadSet'
  | 'explainLoss'
  | 'pooled'
  | 'record'
> &
  Pick<InferencePlace, 'settings' | 'family' | 'checkTarget'>;

interface Target {
  readonly modelId: string;
  readonly setName: string | undefined;
  readonly canStart: boolean;
  readonly path: string;
  /** It goes to another machine. */
  readonly pooled?: PooledTarget;
}

/** A server that means to agree does so at once; one on another machine may have to load the model first. */
const HANDSHAKE_LIMIT_MS = 60_000;

/**
 * WebSockets to a model's server, such as those for speech: `/v1/…?model=` (which starts the model like any other request, or
 * takes a place in a pool) and `/upstream/{model}/…`. The guards, lanes, queue and limits are those of requests, the slot is
 * taken for as long as the socket lives, and what goes over it is not looked at.
 */
export function createUpgradeListener(dependencies: UpgradeDependencies): UpgradeListener {
  const { clock, pooled } = dependencies;
  let refusedCount = 0;

  async function serve(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const arrivedMs = clock.nowMs();
    const arrivedAt = clock.wallMs();
    const url = splitUrl(request.url ?? '/');
    const client = watchClient(socket, head);
    let lane: Lane | undefined;
    let target: Target | undefined;
    const held: { lease: Lease | undefined } = { lease: undefined };
    const firstByte: { afterMs: number | null } = { afterMs: null };
    let status: number | null = null;
    let endedBy: 'model' | 'client' | 'corral' = 'corral';
    let failure: AppError | undefined;
    const ended = new AbortController();
    const onGone = (): void => ended.abort(client.signal.reason);
    client.signal.addEventListener('abort', onGone, { once: true });
    const take = (taken: Lease): void => {
      giveBack();
      held.lease = taken;
      taken.endpoint.runningRequests += 1;
      taken.onAborted = (error) => {
        failure = error;
        ended.abort(error);
      };
    };
    const giveBack = (): void => {
      const { lease } = held;
      if (lease === undefined) return;
      lease.endpoint.runningRequests -= 1;
      lease.onAborted = undefined;
      lease.release();
    };
    try {
      const settings = dependencies.settings();
      const { guardPolicy } = settings;
      const { host, origin } = request.headers;
      const refused = checkHost(host, socket.localAddress, guardPolicy) ?? checkOrigin(origin, host, guardPolicy);
      if (refused !== undefined) throw refused;
      if (dependencies.isShuttingDown()) {
        throw new AppError('shutting-down', 'Corral is shutting down.', { retryAfterSeconds: 5 });
      }
      const presented = withProtocolKey(request);
      const identified = identifyLane(presented.headers, guardPolicy);
      if (identified instanceof AppError) throw identified;
      lane = identified;
      const canRaise = guardPolicy.apiKeys.length === 0;
      const ownPriority = requestPriority(request.headers[PRIORITY_HEADER], { canRaise });
      if (ownPriority instanceof AppError) throw ownPriority;
      target = findTarget(request, url, lane);
      const forbidden = target.pooled === undefined ? checkLaneModel(lane, target.modelId) : undefined;
      if (forbidden !== undefined) throw forbidden;
      const asked = {
        request: presented,
        target,
        lane: lane.name,
        priority: lane.priority + ownPriority,
        signal: ended.signal,
        responseTimeoutMs: settings.responseTimeoutMs,
        onLease: take,
      };
      const answer = target.pooled === undefined ? await dialHere(asked) : await pooled.dial(target.pooled, asked);
      const { response } = answer;
      status = response.statusCode ?? null;
      const headers = returnedHeaders(response.headers);
      client.signal.removeEventListener('abort', onGone);
      const early = client.takeEarly();
      if (!answer.isSwitched) {
        endedBy = 'model';
        socket.write(
          formatHead(response.statusCode ?? 502, response.statusMessage, { ...headers, connection: 'close' }),
        );
        ended.signal.addEventListener('abort', () => response.destroy(), { once: true });
        response.on('error', () => socket.destroy()).pipe(socket);
        socket.once('close', () => response.destroy());
        letGo(socket, clock);
        await new Promise((resolve) => response.once('close', resolve));
        return;
      }
      socket.write(
        formatHead(101, response.statusMessage, { ...headers, connection: 'Upgrade', upgrade: 'websocket' }),
      );
      if (answer.head.length > 0) socket.write(answer.head);
      if (early.length > 0) answer.socket.write(early);
      answer.socket.setNoDelay(true);
      answer.socket.setKeepAlive(true, 30_000);
      answer.socket.on('data', () => {
        firstByte.afterMs ??= Math.round(clock.nowMs() - arrivedMs);
        if (held.lease !== undefined) held.lease.endpoint.piecesSeen += 1;
      });
      endedBy = await joinSockets(socket, answer.socket, { clock, signal: ended.signal });
      if (ended.signal.aborted) endedBy = 'corral';
    } catch (thrown) {
      failure = toAppError(thrown);
      if (failure.code === 'internal') {
        dependencies.logger.log('error', `WebSocket ${url.pathname}: ${failure.message}`);
      }
      if (client.signal.aborted) endedBy = 'client';
      else {
        client.takeEarly();
        refuseUpgrade(socket, failure, { family: dependencies.family ?? 'openai', clock });
      }
    } finally {
      giveBack();
      if (lane !== undefined && target !== undefined) {
        const durationMs = Math.round(clock.nowMs() - arrivedMs);
        const { lease } = held;
        if (lease === undefined) refusedCount += 1;
        const record = {
          id: lease?.requestId ?? `refused-socket-${refusedCount}`,
          at: arrivedAt,
          modelId: target.modelId,
          lane: lane.name,
          route: url.pathname.startsWith('/upstream/') ? '/upstream' : url.pathname,
          isStreaming: true,
          queueWaitMs: Math.round(lease?.queueWaitMs ?? durationMs),
          loadWaitMs: Math.round(lease?.loadWaitMs ?? 0),
          ttftMs: firstByte.afterMs,
          durationMs,
          status,
          promptTokens: null,
          completionTokens: null,
          tokensPerSecond: null,
          endedBy,
          errorCode: endedBy === 'client' ? null : (failure?.code ?? null),
        };
        dependencies.record(() => record);
      }
    }
  }

  /** Rejects with `not-loaded`, and with what keeps the model from being had. */
  async function dialHere({
    target,
    request,
    lane,
    priority,
    signal,
    responseTimeoutMs,
    onLease,
  }: Asked): Promise<UpgradeAnswer> {
    const { modelId } = target;
    if (target.setName !== undefined) dependencies.loadSet(target.setName, modelId);
    const lease = target.canStart
      ? (dependencies.acquireNow(modelId, lane) ?? (await dependencies.acquire({ modelId, lane, priority, signal })))
      : dependencies.peek(modelId);
    if (lease === undefined) {
      throw new AppError('not-loaded', `Model "${modelId}" is not loaded, and this does not load it.`);
    }
    onLease(lease);
    return await dialUpgrade({
      endpoint: lease.endpoint,
      upstreamName: `The process of model "${modelId}"`,
      path: target.path,
      headers: forwardedRequestHeaders(request.rawHeaders, request.headers.connection, {
        apiKey: lease.endpoint.apiKey,
        contentLength: undefined,
      }),
      clock,
      responseTimeoutMs: responseTimeoutMs === 0 ? HANDSHAKE_LIMIT_MS : responseTimeoutMs,
      signal,
      explainLoss: () => dependencies.explainLoss(modelId),
    });
  }

  function findTarget(request: IncomingMessage, url: RequestUrl, lane: Lane): Target {
    const { method = 'GET' } = request;
    if (method !== 'GET') throw new AppError('method-not-allowed', `A WebSocket begins with GET, not ${method}.`);
    if (url.pathname.startsWith('/upstream/')) {
      return { ...findUpstreamTarget(request, url, dependencies.resolvePrefix), setName: undefined };
    }
    if (!/^\/(?:v1\/(?!models(?:\/|$))|realtime$)/.test(url.pathname)) {
      throw new AppError('unknown-route', `There is no WebSocket at ${url.pathname.slice(0, 300)}.`);
    }
    if (isClosed(url.pathname)) throw new AppError('forbidden', `Corral does not pass on ${url.pathname}.`);
    const { pathname, search } = url;
    const query = new URLSearchParams(search);
    const name = query.get('model') ?? '';
    if (name === '') throw new AppError('model-missing', 'Name the model of the WebSocket in the query: ?model=…');
    const route = { ...SOCKET_ROUTE, path: pathname };
    const resolved = dependencies.resolveModel(name);
    if (resolved === undefined) {
      const requested = {
        name,
        isStreaming: true,
        isJson: false,
        user: query.get('user') ?? undefined,
        mayNameMedia: false,
      };
      const target = pooled.find({ requested, route, request, lane, pathname, search, body: undefined });
      if (target !== undefined) {
        return { modelId: target.name.label, setName: undefined, canStart: true, path: target.path, pooled: target };
      }
      const known = dependencies.knownModels().filter((modelId) => checkLaneModel(lane, modelId) === undefined);
      throw unknownModel(name, known);
    }
    const refused = dependencies.checkTarget?.(resolved.modelId, route, request);
    if (refused !== undefined) throw refused;
    return { ...resolved, canStart: true, path: pathname + search };
  }

  return (request, socket, head) => void serve(request, socket, head);
}

/** What a WebSocket of the inference API is, for those who ask what a model is asked for. */
const SOCKET_ROUTE = {
  method: 'GET',
  family: 'openai',
  modelFrom: 'query',
  canStart: true,
  canStreamEvents: false,
} as const;

/** What a socket asks of a model. */
interface Asked extends PooledHandshake {
  readonly target: Target;
  onLease(lease: Lease): void;
}

/** How pages hand over a key, since they cannot set headers on a WebSocket (OpenAI's Realtime API). */
const PROTOCOL_KEY = 'openai-insecure-api-key.';

/** A request with the key among its subprotocols as a header; it goes no further, as no key does. */
function withProtocolKey(request: IncomingMessage): Pick<IncomingMessage, 'headers' | 'rawHeaders'> {
  const { headers, rawHeaders } = request;
  const protocols = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
  const entry = protocols.find((protocol) => protocol.startsWith(PROTOCOL_KEY));
  if (entry === undefined) return request;
  const others = protocols.filter((protocol) => protocol !== entry).join(', ');
  const kept = rawHeaders.flatMap((name, index) =>
    index % 2 === 1 || name.toLowerCase() === 'sec-websocket-protocol' ? [] : [name, rawHeaders[index + 1] ?? ''],
  );
  return {
    headers: { authorization: `Bearer ${entry.slice(PROTOCOL_KEY.length)}`, ...headers },
    rawHeaders: others === '' ? kept : [...kept, 'Sec-WebSocket-Protocol', others],
  };
}
