import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { readRetryAfter } from '../pools/endpoint-state.ts';
import { checkHops, nextVia, readVia, VIA_HEADER } from '../pools/hops.ts';
import type { PooledName } from '../pools/pool-names.ts';
import type { PoolAcquireOptions, PoolLease, Pools } from '../pools/pools-contract.ts';
import { describeFailure } from '../pools/probe-endpoint.ts';
import { dialUpgrade, type UpgradeAnswer } from './dial-upgrade.ts';
import { withModelName } from './filter-body.ts';
import type { RequestedModel } from './find-model.ts';
import { forwardedRequestHeaders } from './forward-headers.ts';
import { tryForward, type ForwardOptions, type ForwardOutcome } from './forward.ts';
import { checkLaneModel, DEFAULT_LANE, type Lane } from './guards.ts';
import type { InferenceRoute } from './routes.ts';
import { createWaitingComments, type WaitingCommentSettings } from './waiting-comments.ts';

/** What a request to a pool is, beside what all requests are. */
export interface PooledTarget {
  readonly name: PooledName;
  /** For pools that keep a user on one endpoint. */
  readonly user: string | undefined;
  /** The Corrals it came through. */
  readonly via: readonly string[];
  /** Path and query as the endpoint shall see them, without what its address begins with. */
  readonly path: string;
  readonly body: Buffer | undefined;
}

/** Who waits for a place in a pool. */
export interface PooledCaller extends Pick<PoolAcquireOptions, 'lane' | 'priority' | 'signal'> {
  /** It has a place. More than once if an endpoint could not take it. */
  onLease(lease: PoolLease): void;
}

export interface PooledExchange
  extends
    PooledCaller,
    Pick<
      ForwardOptions,
      | 'request'
      | 'response'
      | 'family'
      | 'responseTimeoutMs'
      | 'idleTimeoutMs'
      | 'translator'
      | 'mayStream'
      | 'onStart'
      | 'onChunk'
    > {
  /** Undefined where the answer is no stream, or comments are off. */
  readonly comments: WaitingCommentSettings | undefined;
}

/** A request for a WebSocket. */
export interface PooledHandshake extends PooledCaller {
  readonly request: Pick<IncomingMessage, 'rawHeaders' | 'headers'>;
  /** 0 waits for ever. */
  readonly responseTimeoutMs: number;
}

/** Requests for models that are in no file here. */
export interface PooledRequests {
  /** Undefined if no pool answers for the name. Throws for what may not be asked of a pool. */
  find(options: {
    readonly requested: RequestedModel;
    readonly route: Pick<InferenceRoute, 'path' | 'canStart'>;
    readonly request: { readonly headers: IncomingHttpHeaders };
    readonly lane: Lane;
    readonly pathname: string;
    readonly search: string;
    readonly body: Buffer | undefined;
  }): PooledTarget | undefined;
  /** Like `forward`, over the endpoints of a pool; rejects with an `AppError` where nothing has been answered. */
  send(target: PooledTarget, exchange: PooledExchange): Promise<ForwardOutcome>;
  /**
   * Asks the endpoints of a pool for a WebSocket until one answers, whatever it answers. The last lease told of is the
   * caller's to release. Rejects with an `AppError`, or with the signal's reason.
   */
  dial(target: PooledTarget, handshake: PooledHandshake): Promise<UpgradeAnswer>;
}

/**
 * The statuses by which a server says that it did not take a request: busy, no capacity, nobody behind the gateway, a circle.
 * What was refused so has not been worked on, and may be asked of somebody else.
 */
const REFUSALS: ReadonlySet<number> = new Set([429, 502, 503, 504, 508]);

/**
 * Sends requests to pools: to the endpoint that is chosen, and while nothing of an answer has reached the client to the next
 * one, if no connection came about or the endpoint itself refused. A request that may have been worked on is never sent twice;
 * a wish for a WebSocket that was not answered has not been.
 */
export function createPooledRequests({
  pools,
  clock,
}: {
  readonly pools: Pick<Pools, 'ownId' | 'resolve' | 'acquire' | 'isSticky' | 'waitStatus'>;
  readonly clock: ForwardOptions['clock'];
}): PooledRequests {
  return {
    find({ requested, route, request, lane, pathname, search, body }) {
      const name = pools.resolve(requested.name);
      if (name === undefined) return undefined;
      const refused = checkLanePool(lane, name.poolName, name.model);
      if (refused !== undefined) throw refused;
      if (!route.canStart) {
        throw new AppError(
          'invalid-request',
          `Model "${name.model}" is in pool "${name.poolName}"; ${route.path} tells about models of this machine only.`,
        );
      }
      const via = readVia(request.headers);
      const loop = checkHops(via, pools.ownId, name.poolName);
      if (loop !== undefined) throw loop;
      return {
        name,
        user: pools.isSticky(name.poolName) ? (requested.user ?? laneAsUser(lane)) : undefined,
        via,
        path: pathname + withQueryModel(search, name.model),
        body: withOwnName(requested, body, name),
      };
    },

    send: (target, exchange) =>
      untilAnswered(target, exchange, {
        acquire: (options) => acquireWithComments(options, exchange),
        async attempt(lease) {
          try {
            return await attempt(target, exchange, lease);
          } finally {
            lease.release();
          }
        },
      }),

    dial: (target, handshake) =>
      untilAnswered(target, handshake, {
        acquire: pools.acquire,
        async attempt(lease) {
          const answer = await attemptUpgrade(target, handshake, lease);
          if (typeof answer === 'string') lease.release();
          return answer;
        },
      }),
  };

  /** Asks one endpoint after another, in the order in which they are the best choice. */
  async function untilAnswered<Answer extends object>(
    { name, user }: PooledTarget,
    { lane, priority, signal, onLease }: PooledCaller,
    how: {
      acquire(options: PoolAcquireOptions): Promise<PoolLease | undefined>;
      /** A text says why somebody else may be asked. */
      attempt(lease: PoolLease): Promise<Answer | string>;
    },
  ): Promise<Answer> {
    const tried = new Set<string>();
    const failures: string[] = [];
    for (;;) {
      const lease = await how.acquire({ target: name, lane, priority, user, tried, signal });
      if (lease === undefined) throw unavailable(name, failures);
      tried.add(lease.endpointKey);
      onLease(lease);
      const answer = await how.attempt(lease);
      if (typeof answer !== 'string') return answer;
      failures.push(`${lease.url}: ${answer}`);
    }
  }

  async function acquireWithComments(
    options: PoolAcquireOptions,
    { response, comments }: PooledExchange,
  ): Promise<PoolLease | undefined> {
    if (comments?.isEnabled !== true) return await pools.acquire(options);
    const { waitStatus } = pools;
    const writer = createWaitingComments({ response, clock, settings: comments, waitStatus });
    try {
      return await pools.acquire({ ...options, onQueued: writer.onQueued });
    } finally {
      writer.stop();
    }
  }

  /** How it ended; a text says why somebody else may be asked. */
  async function attempt(
    { path, body, via }: PooledTarget,
    exchange: PooledExchange,
    lease: PoolLease,
  ): Promise<ForwardOutcome | string> {
    const seen = { isRefusal: false };
    const outcome = await tryForward({
      request: exchange.request,
      response: exchange.response,
      family: exchange.family,
      responseTimeoutMs: exchange.responseTimeoutMs,
      idleTimeoutMs: exchange.idleTimeoutMs,
      translator: exchange.translator,
      ...(exchange.mayStream === undefined ? {} : { mayStream: exchange.mayStream }),
      clock,
      ...(exchange.onStart === undefined ? {} : { onStart: exchange.onStart }),
      ...(exchange.onChunk === undefined ? {} : { onChunk: exchange.onChunk }),
      path: lease.basePath + path,
      body,
      lease,
      upstreamName: nameOf(lease),
      extraHeaders: [VIA_HEADER, nextVia(via, pools.ownId)],
      explainLoss: () => undefined,
      isDeclined(status, headers) {
        seen.isRefusal = noteRefusal(lease, status, headers);
        // The last one's own words are better than ours.
        return seen.isRefusal && lease.hasOther;
      },
    });
    if ('kind' in outcome) {
      if (outcome.kind === 'declined') return `status ${outcome.status}`;
      const reason = describeFailure(outcome.error);
      lease.report({ kind: 'failed', reason });
      return reason;
    }
    if (outcome.endedBy === 'crash') lease.report({ kind: 'broke-off' });
    else if (outcome.endedBy === 'model' && !seen.isRefusal) lease.report({ kind: 'answered' });
    return outcome;
  }

  /** A text says why somebody else may be asked: a wish for a WebSocket that was not answered has done nothing. */
  async function attemptUpgrade(
    { path, via }: PooledTarget,
    { request, responseTimeoutMs, signal }: PooledHandshake,
    lease: PoolLease,
  ): Promise<UpgradeAnswer | string> {
    let answer: UpgradeAnswer;
    try {
      answer = await dialUpgrade({
        endpoint: lease.endpoint,
        upstreamName: nameOf(lease),
        path: lease.basePath + path,
        headers: forwardedRequestHeaders(request.rawHeaders, request.headers.connection, {
          apiKey: lease.endpoint.apiKey,
          contentLength: undefined,
          more: [VIA_HEADER, nextVia(via, pools.ownId)],
        }),
        clock,
        responseTimeoutMs,
        connectTimeoutMs: lease.connectTimeoutMs,
        signal,
      });
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const failure = toAppError(thrown);
      const reason = describeFailure(failure.cause ?? failure);
      // One that is slow to answer may have to load the model.
      lease.report(failure.code === 'upstream-timeout' ? { kind: 'broke-off' } : { kind: 'failed', reason });
      return reason;
    }
    const { statusCode = 502, headers } = answer.response;
    if (!noteRefusal(lease, statusCode, headers)) lease.report({ kind: 'answered' });
    else if (lease.hasOther) {
      answer.response.destroy();
      return `status ${statusCode}`;
    }
    return answer;
  }

  /** Whether an endpoint refused with a status that says: not now, not here. It is left alone for a while then. */
  function noteRefusal(lease: PoolLease, status: number, headers: IncomingHttpHeaders): boolean {
    if (!REFUSALS.has(status)) return false;
    lease.report({ kind: 'refused', status, retryAfterMs: readRetryAfter(headers['retry-after'], clock.wallMs()) });
    return true;
  }
}

function nameOf(lease: PoolLease): string {
  return `The endpoint ${lease.url}`;
}

/** A key may name models as clients do, or as they are listed. */
export function checkLanePool(lane: Lane, poolName: string, model: string): AppError | undefined {
  return checkLaneModel(lane, `${poolName}/${model}`) === undefined ? undefined : checkLaneModel(lane, model);
}

/** Everybody without a key is nobody in particular, and is not to be kept on one endpoint together. */
function laneAsUser(lane: Lane): string | undefined {
  return lane.name === DEFAULT_LANE.name ? undefined : '';
}

function withQueryModel(search: string, model: string): string {
  if (search === '') return search;
  const query = new URLSearchParams(search);
  if (query.get('model') === null || query.get('model') === model) return search;
  query.set('model', model);
  return `?${query.toString()}`;
}

/** `pool/model` is our name for it, which its endpoint does not know. */
function withOwnName(requested: RequestedModel, body: Buffer | undefined, name: PooledName): Buffer | undefined {
  if (body === undefined || requested.name === name.model) return body;
  if (requested.isJson) return withModelName(body, name.model);
  throw new AppError(
    'invalid-request',
    `In a form the model is named as its endpoint knows it: "${name.model}", without the pool before it.`,
  );
}

function unavailable({ poolName, model }: PooledName, failures: readonly string[]): AppError {
  const said = failures.length === 0 ? 'it has no endpoint for this model' : failures.join('; ');
  return new AppError(
    'pool-unavailable',
    `No endpoint of pool "${poolName}" could take the request for model "${model.slice(0, 300)}": ${said}.`,
    { retryAfterSeconds: 5 },
  );
}
