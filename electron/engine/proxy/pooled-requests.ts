import type { IncomingMessage } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import { readRetryAfter } from '../pools/endpoint-state.ts';
import { checkHops, nextVia, readVia, VIA_HEADER } from '../pools/hops.ts';
import type { PooledName } from '../pools/pool-names.ts';
import type { PoolLease, Pools } from '../pools/pools-contract.ts';
import { describeFailure } from '../pools/probe-endpoint.ts';
import { withModelName } from './filter-body.ts';
import type { RequestedModel } from './find-model.ts';
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

export interface PooledExchange extends Pick<
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
  readonly lane: string;
  readonly priority: number;
  readonly signal: AbortSignal;
  /** Undefined where the answer is no stream, or comments are off. */
  readonly comments: WaitingCommentSettings | undefined;
  /** It has a place. More than once if an endpoint could not take it. */
  onLease(lease: PoolLease): void;
}

/** Requests for models that are in no file here. */
export interface PooledRequests {
  /** Undefined if no pool answers for the name. Throws for what may not be asked of a pool. */
  find(options: {
    readonly requested: RequestedModel;
    readonly route: InferenceRoute;
    readonly request: IncomingMessage;
    readonly lane: Lane;
    readonly pathname: string;
    readonly search: string;
    readonly body: Buffer | undefined;
  }): PooledTarget | undefined;
  /** Like `forward`, over the endpoints of a pool; rejects with an `AppError` where nothing has been answered. */
  send(target: PooledTarget, exchange: PooledExchange): Promise<ForwardOutcome>;
}

/**
 * The statuses by which a server says that it did not take a request: busy, no capacity, nobody behind the gateway, a circle.
 * What was refused so has not been worked on, and may be asked of somebody else.
 */
const REFUSALS: ReadonlySet<number> = new Set([429, 502, 503, 504, 508]);

/**
 * Sends requests to pools: to the endpoint that is chosen, and while nothing of an answer has reached the client to the next
 * one, if no connection came about or the endpoint itself refused. A request that may have been worked on is never sent twice.
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

    async send(target, exchange) {
      const tried = new Set<string>();
      const failures: string[] = [];
      for (;;) {
        const lease = await acquire(target, exchange, tried);
        if (lease === undefined) throw unavailable(target.name, failures);
        tried.add(lease.endpointKey);
        exchange.onLease(lease);
        try {
          const outcome = await attempt(target, exchange, lease);
          if (typeof outcome !== 'string') return outcome;
          failures.push(`${lease.url}: ${outcome}`);
        } finally {
          lease.release();
        }
      }
    },
  };

  async function acquire(
    target: PooledTarget,
    { response, lane, priority, signal, comments }: PooledExchange,
    tried: ReadonlySet<string>,
  ): Promise<PoolLease | undefined> {
    const options = { target: target.name, lane, priority, user: target.user, tried, signal };
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
      upstreamName: `The endpoint ${lease.url}`,
      extraHeaders: [VIA_HEADER, nextVia(via, pools.ownId)],
      explainLoss: () => undefined,
      isDeclined(status, headers) {
        if (!REFUSALS.has(status)) return false;
        seen.isRefusal = true;
        lease.report({ kind: 'refused', status, retryAfterMs: readRetryAfter(headers['retry-after'], clock.wallMs()) });
        // The last one's own words are better than ours.
        return lease.hasOther;
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
