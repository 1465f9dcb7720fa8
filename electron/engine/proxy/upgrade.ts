import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Lease } from '../scheduler/lease.ts';
import { dialUpgrade } from './dial-upgrade.ts';
import { forwardedRequestHeaders, returnedHeaders } from './forward-headers.ts';
import { checkHost, checkLaneModel, checkOrigin, identifyLane, type Lane } from './guards.ts';
import { unknownModel } from './find-target.ts';
import type { InferenceDependencies, InferencePlace } from './inference.ts';
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
  | 'record'
> &
  Pick<InferencePlace, 'settings'>;

interface Target {
  readonly modelId: string;
  readonly setName: string | undefined;
  readonly canStart: boolean;
  readonly path: string;
}

/**
 * WebSockets to a model's server, such as those for speech: `/v1/…?model=` (which starts the model like any other request)
 * and `/upstream/{model}/…`. The guards, lanes, queue and limits are those of requests, the slot is taken for as long as the
 * socket lives, and what goes over it is not looked at.
 */
export function createUpgradeListener(dependencies: UpgradeDependencies): UpgradeListener {
  const { clock } = dependencies;
  let refusedCount = 0;

  async function serve(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const arrivedMs = clock.nowMs();
    const arrivedAt = clock.wallMs();
    const url = splitUrl(request.url ?? '/');
    const client = watchClient(socket, head);
    let lane: Lane | undefined;
    let target: Target | undefined;
    let lease: Lease | undefined;
    const firstByte: { afterMs: number | null } = { afterMs: null };
    let status: number | null = null;
    let endedBy: 'model' | 'client' | 'corral' = 'corral';
    let failure: AppError | undefined;
    const ended = new AbortController();
    const onGone = (): void => ended.abort(client.signal.reason);
    client.signal.addEventListener('abort', onGone, { once: true });
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
      const { modelId } = target;
      const forbidden = checkLaneModel(lane, modelId);
      if (forbidden !== undefined) throw forbidden;
      if (target.canStart) {
        if (target.setName !== undefined) dependencies.loadSet(target.setName, modelId);
        const priority = lane.priority + ownPriority;
        lease =
          dependencies.acquireNow(modelId, lane.name) ??
          (await dependencies.acquire({ modelId, lane: lane.name, priority, signal: ended.signal }));
      } else lease = dependencies.peek(modelId);
      if (lease === undefined) {
        throw new AppError('not-loaded', `Model "${modelId}" is not loaded, and this does not load it.`);
      }
      lease.onAborted = (error) => {
        failure = error;
        ended.abort(error);
      };
      const { endpoint } = lease;
      endpoint.runningRequests += 1;
      try {
        const answer = await dialUpgrade({
          lease,
          path: target.path,
          headers: forwardedRequestHeaders(presented.rawHeaders, request.headers.connection, {
            apiKey: endpoint.apiKey,
            contentLength: undefined,
          }),
          clock,
          responseTimeoutMs: settings.responseTimeoutMs,
          signal: ended.signal,
          explainLoss: () => dependencies.explainLoss(modelId),
        });
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
          endpoint.piecesSeen += 1;
        });
        endedBy = await joinSockets(socket, answer.socket, { clock, signal: ended.signal });
        if (ended.signal.aborted) endedBy = 'corral';
      } finally {
        endpoint.runningRequests -= 1;
      }
    } catch (thrown) {
      failure = toAppError(thrown);
      if (failure.code === 'internal') {
        dependencies.logger.log('error', `WebSocket ${url.pathname}: ${failure.message}`);
      }
      if (client.signal.aborted) endedBy = 'client';
      else {
        client.takeEarly();
        refuseUpgrade(socket, failure, clock);
      }
    } finally {
      if (lease !== undefined) lease.onAborted = undefined;
      lease?.release();
      if (lane !== undefined && target !== undefined) {
        const durationMs = Math.round(clock.nowMs() - arrivedMs);
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
    const name = new URLSearchParams(url.search).get('model') ?? '';
    if (name === '') throw new AppError('model-missing', 'Name the model of the WebSocket in the query: ?model=…');
    const resolved = dependencies.resolveModel(name);
    if (resolved === undefined) {
      const known = dependencies.knownModels().filter((modelId) => checkLaneModel(lane, modelId) === undefined);
      throw unknownModel(name, known);
    }
    return { ...resolved, canStart: true, path: url.pathname + url.search };
  }

  return (request, socket, head) => void serve(request, socket, head);
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
