import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { AcquireOptions } from '../scheduler/scheduler-contract.ts';
import type { WaitStatus } from '../scheduler/wait-forecast.ts';
import { createAnswerMeter } from '../telemetry/answer-meter.ts';
import type { PendingRecord } from '../telemetry/record-intake.ts';
import { sendErrorOrEvent } from './error-bodies.ts';
import { conversationOf, waitForConversation } from './conversations.ts';
import type { ImageFetcher } from './fetch-image.ts';
import { findTarget, findTranslatedTarget, type Target, type TargetSources } from './find-target.ts';
import { beginExchange, hasPlace, recordOf, type Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import { checkLaneModel, identifyLane, type GuardPolicy, type Lane } from './guards.ts';
import { readBody } from './read-body.ts';
import type { RequestUrl } from './request-url.ts';
import { refuseUnread } from './refuse-unread.ts';
import { mayBeJson, screenMedia, type RemoteImagesPolicy } from './remote-media.ts';
import { PRIORITY_HEADER, requestPriority } from './request-priority.ts';
import type { ApiFamily, InferenceRoute } from './routes.ts';
import { checkSlotFiles } from './slot-files.ts';
import type { PooledTarget } from './pooled-requests.ts';
import {
  sendJson,
  type AnswerFacts,
  type ForwardedTranslation,
  type PreparingProcess,
  type ResidencyTranslation,
} from './translation.ts';
import { findUpstreamTarget } from './upstream-path.ts';
import { createWaitingComments, type WaitingCommentSettings } from './waiting-comments.ts';

/** What may change while Corral runs is read anew for each request. */
export interface InferenceSettings {
  readonly guardPolicy: GuardPolicy;
  readonly maxBodyBytes: number;
  readonly remoteImages: RemoteImagesPolicy;
  /** 0 waits for ever. */
  readonly responseTimeoutMs: number;
  /** 0 waits for ever. */
  readonly idleTimeoutMs: number;
  readonly waitingComments: WaitingCommentSettings;
}

export interface InferenceDependencies extends TargetSources {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The model a path below /upstream/ begins with; what follows it stays percent-encoded. */
  resolvePrefix(path: string): { modelId: string; rest: string } | undefined;
  /** Whether Corral saves and restores its slots. */
  keepsKvCache(modelId: string): boolean;
  isShuttingDown(): boolean;
  acquireNow(modelId: string, lane: string, setName?: string): Lease | undefined;
  acquire(options: AcquireOptions): Promise<Lease>;
  waitStatus(requestId: string): WaitStatus | undefined;
  /** Asked for by a set's name: the other members may have to come, too. */
  loadSet(setName: string, modelId: string): void;
  /** How long a loaded model stays once it is idle; until it is loaded anew, or the next such wish. */
  keepAlive(modelId: string, keepAliveMs: number): void;
  /** What a body may have to be fitted to. */
  processFacts(modelId: string): Omit<PreparingProcess, 'endpoint'>;
  /** Why a model's last process went away, if it did. */
  explainLoss(modelId: string): AppError | undefined;
  record(pending: PendingRecord): void;
  /** A number that no other request without a place has had; each record needs an id of its own. */
  nextRefusalNumber(): number;
  readonly imageFetcher: ImageFetcher;
}

/** What one address adds to what all of them share. */
export interface InferencePlace {
  settings(): InferenceSettings;
  /** The one shape of errors of this address; undefined where the route decides. */
  readonly family?: ApiFamily | undefined;
  /** What the address itself asks of a model before a request goes to it. */
  checkTarget?(modelId: string, route: InferenceRoute, request: IncomingMessage): AppError | undefined;
  /** Whether a model's streams get comments while they wait, where this address knows better than the settings. */
  sendsComments?(modelId: string): boolean | undefined;
  /** An event for the beginning of a stream whose model has to be loaded first. */
  loadingNote?(modelId: string, pathname: string): string | undefined;
}

type FindTarget = (body: Buffer | undefined, lane: Lane) => Target | Promise<Target>;

export interface InferenceHandler {
  /** Answers a request of the route table, whatever comes of it. Never rejects. */
  handle(route: InferenceRoute, request: IncomingMessage, response: ServerResponse, url: RequestUrl): Promise<void>;
  /** Answers a request below /upstream/, whose path names the model and then the child's own route. Never rejects. */
  handleUpstream(request: IncomingMessage, response: ServerResponse, url: RequestUrl): Promise<void>;
}

/** What was found out about a request before anybody is asked to answer it. */
interface Admitted {
  readonly target: Target;
  readonly settings: InferenceSettings;
  /** As it may go on. */
  readonly body: Buffer | undefined;
  readonly lane: string;
  readonly priority: number;
  readonly comments: WaitingCommentSettings;
}

/** One for all addresses: the function returned makes the handler of one. */
export function createInference(dependencies: InferenceDependencies): (place: InferencePlace) => InferenceHandler {
  const { clock, conversations } = dependencies;

  /*
   * These functions are there once, whatever the number of addresses. If each address had its own, V8 could no longer take
   * for granted what they close over, and requests of all addresses would cost 5 to 10 % more.
   */

  async function answer(place: InferencePlace, exchange: Exchange, find: FindTarget): Promise<void> {
    const { request, response, route, departure } = exchange;
    const conversationId = conversationOf(request.headers);
    try {
      const admitted = await admit(place, exchange, find);
      const { translated, pooled } = admitted.target;
      if (translated !== undefined && translated.kind !== 'forward')
        await answerResidency(exchange, admitted, translated);
      else if (pooled !== undefined) await sendToPool(exchange, admitted, pooled);
      else await sendHere(place, exchange, admitted, conversationId);
    } catch (thrown) {
      const failure = toAppError(thrown);
      exchange.failure = failure;
      if (failure.code === 'internal') {
        dependencies.logger.log('error', `${request.method ?? ''} ${route}: ${failure.message}`);
      }
      if (!departure.hasHappened()) {
        if (request.complete || response.headersSent) sendErrorOrEvent(response, failure, exchange.family);
        else refuseUnread(request, response, failure, { family: exchange.family, clock });
      }
    } finally {
      const { lease } = exchange;
      if (lease === undefined || conversationId === undefined || !departure.hasHappened()) lease?.release();
      // A stream with a name goes on without its client, and has its slot until it ends.
      else void waitForConversation(lease, conversationId, clock).finally(lease.release);
    }
    const refusalNumber = hasPlace(exchange) ? 0 : dependencies.nextRefusalNumber();
    const record = recordOf(exchange, clock.nowMs(), refusalNumber);
    if (record !== undefined) dependencies.record(record);
  }

  /** Throws what the client is to be told. */
  async function admit(place: InferencePlace, exchange: Exchange, find: FindTarget): Promise<Admitted> {
    const { request, departure } = exchange;
    const settings = place.settings();
    const { guardPolicy, maxBodyBytes } = settings;
    if (dependencies.isShuttingDown()) throw shuttingDown();
    const lane = orThrow(identifyLane(request.headers, guardPolicy));
    exchange.lane = lane;
    const canRaise = guardPolicy.apiKeys.length === 0;
    const ownPriority = orThrow(requestPriority(request.headers[PRIORITY_HEADER], { canRaise }));
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    const received = hasBody ? await readBody(request, maxBodyBytes) : undefined;
    const found = find(received, lane);
    const target = found instanceof Promise ? await found : found;
    exchange.target = target;
    const refused = target.pooled === undefined ? checkHere(lane, target, request) : undefined;
    if (refused !== undefined) throw refused;
    let { body } = target;
    if (body !== undefined && target.mayNameMedia) {
      const { imageFetcher: fetcher } = dependencies;
      const signal = departure.signal();
      body = await screenMedia(body, { policy: settings.remoteImages, fetcher, maxBodyBytes, signal });
    }
    return {
      target,
      settings,
      body,
      lane: lane.name,
      priority: lane.priority + ownPriority,
      comments: lane.hasWaitingComments ? settings.waitingComments : SILENT,
    };
  }

  /** A request that is about whether a model is loaded, and no more. */
  async function answerResidency(
    exchange: Exchange,
    admitted: Admitted,
    residency: ResidencyTranslation,
  ): Promise<void> {
    const { modelId, pooled } = admitted.target;
    if (pooled === undefined) {
      if (residency.kind === 'load') {
        const now = acquireNow(admitted);
        // One that is loaded need not have a slot free to be found loaded.
        exchange.lease = now ?? dependencies.peek(modelId) ?? (await waitForLease(exchange, admitted, undefined));
      }
      if (residency.keepAliveMs !== undefined) dependencies.keepAlive(modelId, residency.keepAliveMs);
    }
    sendJson(exchange.response, 200, residency.answer(answerFacts(exchange)));
    exchange.outcome = { status: 200, endedBy: 'model', error: undefined };
  }

  async function sendToPool(exchange: Exchange, admitted: Admitted, pooled: PooledTarget): Promise<void> {
    const { request, response, family, departure } = exchange;
    const { target, settings, lane, priority, body } = admitted;
    const translated = target.translated?.kind === 'forward' ? target.translated : undefined;
    exchange.outcome = await dependencies.pooled.send(
      { ...pooled, body },
      {
        ...{ request, response, family, lane, priority },
        responseTimeoutMs: settings.responseTimeoutMs,
        idleTimeoutMs: settings.idleTimeoutMs,
        translator: translated?.createAnswer(answerFacts(exchange)),
        comments: target.canComment ? admitted.comments : undefined,
        mayStream: target.isStreaming,
        signal: departure.signal(),
        onStart: (isStream) => noteStart(exchange, isStream),
        onChunk: (chunk) => noteChunk(exchange, chunk),
        onLease: (placed) => (exchange.pooledLease = placed),
      },
    );
  }

  async function sendHere(
    place: InferencePlace,
    exchange: Exchange,
    admitted: Admitted,
    conversationId: string | undefined,
  ): Promise<void> {
    const { request, response, route, family } = exchange;
    const { target, settings, lane } = admitted;
    const { modelId } = target;
    const lease = target.canStart
      ? (acquireNow(admitted) ??
        (await waitForLease(exchange, withOwnComments(place, admitted), noteFor(place, exchange, target))))
      : dependencies.peek(modelId);
    if (lease === undefined) throw notLoaded(modelId, route);
    exchange.lease = lease;
    const translated = target.translated?.kind === 'forward' ? target.translated : undefined;
    if (translated?.keepAliveMs !== undefined) dependencies.keepAlive(modelId, translated.keepAliveMs);
    if (conversationId !== undefined) conversations.note(lane, conversationId, modelId);
    exchange.outcome = await forward({
      request,
      response,
      path: target.path,
      body: translated?.prepare === undefined ? admitted.body : await prepare(translated.prepare, admitted.body, lease),
      lease,
      family,
      clock,
      // What is below /upstream/ may stream, too.
      mayStream: target.isStreaming || route === UPSTREAM,
      responseTimeoutMs: settings.responseTimeoutMs,
      idleTimeoutMs: settings.idleTimeoutMs,
      translator: translated?.createAnswer(answerFacts(exchange)),
      explainLoss: () => dependencies.explainLoss(modelId),
      onStart: (isStream) => noteStart(exchange, isStream),
      onChunk: (chunk) => noteChunk(exchange, chunk),
    });
  }

  function noteStart(exchange: Exchange, isStream: boolean): void {
    exchange.meter = createAnswerMeter({ isStream });
  }

  function noteChunk(exchange: Exchange, chunk: Buffer): void {
    exchange.firstByteMs ??= clock.nowMs() - exchange.arrivedMs;
    exchange.meter?.observe(chunk);
  }

  function checkHere(lane: Lane, { modelId, path }: Target, request: IncomingMessage): AppError | undefined {
    const refused = checkLaneModel(lane, modelId);
    return refused ?? (dependencies.keepsKvCache(modelId) ? checkSlotFiles(request.method, path, modelId) : undefined);
  }

  function answerFacts({ lease, arrivedMs }: Exchange): AnswerFacts {
    const { nowMs, wallMs } = clock;
    return { loadWaitMs: lease?.loadWaitMs ?? 0, elapsedMs: () => nowMs() - arrivedMs, wallMs };
  }

  async function prepare(
    prepareBody: NonNullable<ForwardedTranslation['prepare']>,
    body: Buffer | undefined,
    { modelId, endpoint }: Lease,
  ): Promise<Buffer> {
    return await prepareBody(body ?? Buffer.alloc(0), { endpoint, ...dependencies.processFacts(modelId) });
  }

  function acquireNow({ target: { modelId, setName }, lane }: Admitted): Lease | undefined {
    if (setName !== undefined) dependencies.loadSet(setName, modelId);
    return dependencies.acquireNow(modelId, lane, setName);
  }

  async function waitForLease(
    { response, departure }: Exchange,
    { target, lane, priority, comments: settings }: Admitted,
    note: string | undefined,
  ): Promise<Lease> {
    const { modelId, setName, canComment } = target;
    const options = { modelId, setName, lane, priority, signal: departure.signal() };
    if (!canComment || (!settings.isEnabled && note === undefined)) return await dependencies.acquire(options);
    const { waitStatus } = dependencies;
    const comments = createWaitingComments({ response, clock, settings, waitStatus, note });
    try {
      return await dependencies.acquire({ ...options, onQueued: comments.onQueued });
    } finally {
      comments.stop();
    }
  }

  function noteFor(place: InferencePlace, { route }: Exchange, { canComment, modelId }: Target): string | undefined {
    return canComment ? place.loadingNote?.(modelId, route) : undefined;
  }

  return (place) => ({
    handle(route, request, response, url) {
      const { translate } = route;
      // A translated answer has errors of its own, and they are all of one kind.
      const family = translate === undefined ? (place.family ?? route.family) : route.family;
      return answer(place, beginExchange({ request, response, family, route: url.pathname }, clock), (body, lane) =>
        translate === undefined
          ? findTarget(dependencies, { route, request, url, place }, body, lane)
          : findTranslatedTarget(dependencies, { route, request, translate, place }, body, lane),
      );
    },
    handleUpstream(request, response, url) {
      const family = place.family ?? 'openai';
      return answer(place, beginExchange({ request, response, family, route: UPSTREAM }, clock), (body) => {
        const target = findUpstreamTarget(request, url, dependencies.resolvePrefix);
        const mayNameMedia = body !== undefined && mayBeJson(body, request.headers['content-type']);
        const plain = { setName: undefined, isStreaming: false, canComment: false };
        return { ...target, ...plain, body, mayNameMedia };
      });
    },
  });
}

/** For records; which model and which route it was would make too many of it. */
const UPSTREAM = '/upstream';

/** For lanes that want no comments. */
const SILENT: WaitingCommentSettings = { isEnabled: false, afterMs: 0, intervalMs: 0 };

/** As the address wants it for this model. A lane that wants none gets none. */
function withOwnComments(place: InferencePlace, admitted: Admitted): Admitted {
  const { comments, target } = admitted;
  const isEnabled = comments === SILENT ? undefined : place.sendsComments?.(target.modelId);
  return isEnabled === undefined ? admitted : { ...admitted, comments: { ...comments, isEnabled } };
}

function orThrow<Value>(value: Value | AppError): Value {
  if (value instanceof AppError) throw value;
  return value;
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'Corral is shutting down.', { retryAfterSeconds: 5 });
}

function notLoaded(modelId: string, route: string): AppError {
  return new AppError('not-loaded', `Model "${modelId}" is not loaded, and ${route} does not load it.`);
}
