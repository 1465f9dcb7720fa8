import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { AcquireOptions } from '../scheduler/scheduler-contract.ts';
import type { WaitStatus } from '../scheduler/wait-forecast.ts';
import { createAnswerMeter, type AnswerMeter } from '../telemetry/answer-meter.ts';
import type { PendingRecord } from '../telemetry/record-intake.ts';
import { sendErrorOrEvent } from './error-bodies.ts';
import { conversationOf, waitForConversation } from './conversations.ts';
import type { ImageFetcher } from './fetch-image.ts';
import { findTarget, findTranslatedTarget, type Target, type TargetSources } from './find-target.ts';
import { forward, type ForwardOutcome } from './forward.ts';
import { checkLaneModel, identifyLane, type GuardPolicy, type Lane } from './guards.ts';
import { readBody } from './read-body.ts';
import type { RequestUrl } from './request-url.ts';
import { refuseUnread } from './refuse-unread.ts';
import { mayBeJson, screenMedia, type RemoteImagesPolicy } from './remote-media.ts';
import { PRIORITY_HEADER, requestPriority } from './request-priority.ts';
import type { ApiFamily, InferenceRoute } from './routes.ts';
import { checkSlotFiles } from './slot-files.ts';
import { sendJson, type AnswerFacts, type ForwardedTranslation, type PreparingProcess } from './translation.ts';
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
  settings(): InferenceSettings;
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
  /** The one shape of errors of this address; undefined where the route decides. */
  readonly family?: ApiFamily | undefined;
  /** An event for the beginning of a stream whose model has to be loaded first. */
  loadingNote?(modelId: string, pathname: string): string | undefined;
  readonly imageFetcher: ImageFetcher;
}

type FindTarget = (body: Buffer | undefined, lane: Lane) => Promise<Target>;

export interface InferenceHandler {
  /** Answers a request of the route table, whatever comes of it. Never rejects. */
  handle(route: InferenceRoute, request: IncomingMessage, response: ServerResponse, url: RequestUrl): Promise<void>;
  /** Answers a request below /upstream/, whose path names the model and then the child's own route. Never rejects. */
  handleUpstream(request: IncomingMessage, response: ServerResponse, url: RequestUrl): Promise<void>;
}

export function createInferenceHandler(dependencies: InferenceDependencies): InferenceHandler {
  const { clock, conversations } = dependencies;

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    { family, route }: { family: ApiFamily; route: string },
    findTarget: FindTarget,
  ): Promise<void> {
    const arrivedMs = clock.nowMs();
    const arrivedAt = clock.wallMs();
    const departure = watchDeparture(response);
    let lane: Lane | undefined;
    let target: Target | undefined;
    let lease: Lease | undefined;
    /** Its place, where that is on another machine. */
    let pooledLease: Lease | undefined;
    let meter: AnswerMeter | undefined;
    let firstByteMs: number | undefined;
    let outcome: ForwardOutcome | undefined;
    let failure: AppError | undefined;
    const conversationId = conversationOf(request.headers);
    try {
      const settings = dependencies.settings();
      if (dependencies.isShuttingDown()) throw shuttingDown();
      const identified = identifyLane(request.headers, settings.guardPolicy);
      if (identified instanceof AppError) throw identified;
      lane = identified;
      const canRaise = settings.guardPolicy.apiKeys.length === 0;
      const ownPriority = requestPriority(request.headers[PRIORITY_HEADER], { canRaise });
      if (ownPriority instanceof AppError) throw ownPriority;
      const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
      const body = hasBody ? await readBody(request, settings.maxBodyBytes) : undefined;
      target = await findTarget(body, lane);
      const { modelId } = target;
      const refused = target.pooled === undefined ? checkHere(lane, target, request) : undefined;
      if (refused !== undefined) throw refused;
      let sentBody = target.body;
      if (sentBody !== undefined && target.mayNameMedia) {
        const { remoteImages: policy, maxBodyBytes } = settings;
        const { imageFetcher: fetcher } = dependencies;
        sentBody = await screenMedia(sentBody, { policy, fetcher, maxBodyBytes, signal: departure.signal() });
      }
      const observer = {
        onStart(isStream: boolean) {
          meter = createAnswerMeter({ isStream });
        },
        onChunk(chunk: Buffer) {
          firstByteMs ??= clock.nowMs() - arrivedMs;
          meter?.observe(chunk);
        },
      };
      const waitingComments = lane.hasWaitingComments ? settings.waitingComments : SILENT;
      const asked = { lane: lane.name, priority: lane.priority + ownPriority };
      const { translated } = target;
      const residency = translated?.kind === 'forward' ? undefined : translated;
      const forwarded = translated?.kind === 'forward' ? translated : undefined;
      if (target.pooled !== undefined && residency === undefined) {
        const { responseTimeoutMs, idleTimeoutMs } = settings;
        const exchange = {
          request,
          response,
          family,
          responseTimeoutMs,
          idleTimeoutMs,
          translator: forwarded?.createAnswer(answerFacts(undefined, arrivedMs)),
          comments: target.canComment ? waitingComments : undefined,
          mayStream: target.isStreaming,
          ...asked,
          ...observer,
        };
        outcome = await dependencies.pooled.send(
          { ...target.pooled, body: sentBody },
          { ...exchange, signal: departure.signal(), onLease: (placed) => (pooledLease = placed) },
        );
      } else if (target.pooled === undefined) {
        if (!target.canStart) {
          lease = dependencies.peek(modelId);
          if (lease === undefined) throw notLoaded(modelId, route);
        } else if (residency?.kind !== 'unload') {
          const { setName, canComment } = target;
          if (setName !== undefined) dependencies.loadSet(setName, modelId);
          lease =
            dependencies.acquireNow(modelId, lane.name, setName) ??
            // One that is loaded need not have a slot free to be found loaded.
            (residency === undefined ? undefined : dependencies.peek(modelId)) ??
            (await waitForLease(
              response,
              { modelId, setName, ...asked, signal: departure.signal() },
              {
                settings: waitingComments,
                canComment,
                note: canComment ? dependencies.loadingNote?.(modelId, route) : undefined,
              },
            ));
        }
        if (translated?.keepAliveMs !== undefined) dependencies.keepAlive(modelId, translated.keepAliveMs);
      }
      if (residency !== undefined) {
        sendJson(response, 200, residency.answer(answerFacts(lease, arrivedMs)));
        outcome = { status: 200, endedBy: 'model', error: undefined };
      } else if (lease !== undefined) {
        if (conversationId !== undefined) conversations.note(lane.name, conversationId, modelId);
        outcome = await forward({
          request,
          response,
          path: target.path,
          body: forwarded?.prepare === undefined ? sentBody : await prepare(forwarded.prepare, sentBody, lease),
          lease,
          family,
          clock,
          // What is below /upstream/ may stream, too.
          mayStream: target.isStreaming || route === '/upstream',
          responseTimeoutMs: settings.responseTimeoutMs,
          idleTimeoutMs: settings.idleTimeoutMs,
          translator: forwarded?.createAnswer(answerFacts(lease, arrivedMs)),
          explainLoss: () => dependencies.explainLoss(modelId),
          ...observer,
        });
      }
    } catch (thrown) {
      failure = toAppError(thrown);
      if (failure.code === 'internal') {
        dependencies.logger.log('error', `${request.method ?? ''} ${route}: ${failure.message}`);
      }
      if (!departure.hasHappened()) {
        if (request.complete || response.headersSent) sendErrorOrEvent(response, failure, family);
        else refuseUnread(request, response, failure, { family, clock });
      }
    } finally {
      if (lease === undefined || conversationId === undefined || !departure.hasHappened()) lease?.release();
      // A stream with a name goes on without its client, and has its slot until it ends.
      else void waitForConversation(lease, conversationId, clock).finally(lease.release);
    }
    if (lane === undefined || target === undefined) return;
    const { modelId, isStreaming } = target;
    const laneName = lane.name;
    const durationMs = clock.nowMs() - arrivedMs;
    const isGone = departure.hasHappened();
    const place = lease ?? pooledLease;
    const refusalNumber = place === undefined ? dependencies.nextRefusalNumber() : 0;
    dependencies.record(() => {
      const usage = meter?.usage() ?? NO_USAGE;
      return {
        id: place?.requestId ?? `refused-${refusalNumber}`,
        at: arrivedAt,
        modelId,
        lane: laneName,
        route,
        isStreaming,
        queueWaitMs: Math.round(place?.queueWaitMs ?? durationMs),
        loadWaitMs: Math.round(place?.loadWaitMs ?? 0),
        ttftMs: firstByteMs === undefined ? null : Math.round(firstByteMs),
        durationMs: Math.round(durationMs),
        status: outcome?.status ?? (response.headersSent ? response.statusCode : null),
        promptTokens: usage.promptTokens,
        completionTokens: usage.completionTokens,
        tokensPerSecond: usage.tokensPerSecond,
        endedBy: isGone ? 'client' : (outcome?.endedBy ?? 'corral'),
        errorCode: isGone ? null : ((outcome?.error ?? failure)?.code ?? null),
      };
    });
  }

  function checkHere(lane: Lane, { modelId, path }: Target, request: IncomingMessage): AppError | undefined {
    const refused = checkLaneModel(lane, modelId);
    return refused ?? (dependencies.keepsKvCache(modelId) ? checkSlotFiles(request.method, path, modelId) : undefined);
  }

  function answerFacts(lease: Lease | undefined, arrivedMs: number): AnswerFacts {
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

  async function waitForLease(
    response: ServerResponse,
    options: AcquireOptions,
    { settings, canComment, note }: { settings: WaitingCommentSettings; canComment: boolean; note: string | undefined },
  ): Promise<Lease> {
    if (!canComment || (!settings.isEnabled && note === undefined)) return await dependencies.acquire(options);
    const { waitStatus } = dependencies;
    const comments = createWaitingComments({ response, clock, settings, waitStatus, note });
    try {
      return await dependencies.acquire({ ...options, onQueued: comments.onQueued });
    } finally {
      comments.stop();
    }
  }

  return {
    handle(route, request, response, url) {
      const { translate } = route;
      // A translated answer has errors of its own, and they are all of one kind.
      const family = translate === undefined ? (dependencies.family ?? route.family) : route.family;
      return answer(request, response, { family, route: url.pathname }, async (body, lane) =>
        translate === undefined
          ? await findTarget(dependencies, { route, request, url }, body, lane)
          : findTranslatedTarget(dependencies, { route, request, translate }, body, lane),
      );
    },
    handleUpstream: (request, response, url) =>
      answer(request, response, { family: dependencies.family ?? 'openai', route: '/upstream' }, (body) => {
        const target = findUpstreamTarget(request, url, dependencies.resolvePrefix);
        const mayNameMedia = body !== undefined && mayBeJson(body, request.headers['content-type']);
        const plain = { setName: undefined, isStreaming: false, canComment: false };
        return Promise.resolve({ ...target, ...plain, body, mayNameMedia });
      }),
  };
}

/** For lanes that want no comments. */
const SILENT: WaitingCommentSettings = { isEnabled: false, afterMs: 0, intervalMs: 0 };

const NO_USAGE = { promptTokens: null, completionTokens: null, tokensPerSecond: null };

/** Whether the client is still there, and a signal for those who wait; most requests need none, and it is not free. */
function watchDeparture(response: ServerResponse): { hasHappened(): boolean; signal(): AbortSignal } {
  let hasHappened = false;
  let controller: AbortController | undefined;
  const abort = (): void => controller?.abort(new AppError('cancelled', 'The client went away.'));
  response.once('close', () => {
    hasHappened = !response.writableFinished;
    if (hasHappened) abort();
  });
  return {
    hasHappened: () => hasHappened,
    signal() {
      controller ??= new AbortController();
      if (hasHappened) abort();
      return controller.signal;
    },
  };
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'Corral is shutting down.', { retryAfterSeconds: 5 });
}

function notLoaded(modelId: string, route: string): AppError {
  return new AppError('not-loaded', `Model "${modelId}" is not loaded, and ${route} does not load it.`);
}
