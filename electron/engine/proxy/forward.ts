import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { AppError } from '#shared/contract/errors.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Lease } from '../scheduler/lease.ts';
import { errorEvent, refusalEvent, sendErrorOrEvent } from './error-bodies.ts';
import { forwardedRequestHeaders, isEventStream, returnedHeaders } from './forward-headers.ts';
import type { ApiFamily } from './routes.ts';
import type { AnswerTranslator } from './translation.ts';

export interface ForwardOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path and query as the child shall see them. */
  readonly path: string;
  readonly body: Buffer | undefined;
  readonly lease: Lease;
  readonly family: ApiFamily;
  readonly clock: Clock;
  /** 0 waits for ever. */
  readonly responseTimeoutMs: number;
  /** 0 waits for ever. */
  readonly idleTimeoutMs: number;
  /** The answer may be a stream, behind which many servers close the connection. */
  readonly mayStream?: boolean;
  /** For a client that speaks another API than the process. */
  readonly translator?: AnswerTranslator | undefined;
  /** What is known by now about why the process went away. */
  explainLoss(): AppError | undefined;
  /** How messages call what is asked, if it is no process of ours. */
  readonly upstreamName?: string;
  /** Names and values in turn, added to the request's own headers. */
  readonly extraHeaders?: readonly string[];
  /** Whether an answer that begins like this is not to be passed on; `tryForward` says so then. */
  isDeclined?(status: number, headers: IncomingHttpHeaders): boolean;
  /** The answer began; told once. */
  onStart?(isStream: boolean): void;
  /** A piece of it passed. */
  onChunk?(chunk: Buffer): void;
}

/** How it ended, for the records. */
export interface ForwardOutcome {
  /** The status the client got; null if it went away before. */
  readonly status: number | null;
  readonly endedBy: 'model' | 'client' | 'corral' | 'crash';
  readonly error: AppError | undefined;
}

/** Nothing of the request had left when one of these came, so it may be sent once more. */
const NOTHING_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'UND_ERR_CONNECT_TIMEOUT', 'EAGAIN']);

/**
 * Sends a request to a model's process and its answer back, chunk by chunk as it comes, with the client's pace holding
 * back the child's. Resolves with how it ended once the answer is complete or has failed; never rejects. A client that goes
 * away ends the request upstream at once. Nothing is sent twice unless nothing of it was sent at all.
 *
 * Where waiting comments have sent the head of a stream already, the process's own stream goes on in it, and everything else
 * it may answer becomes an error event.
 */
export async function forward(options: ForwardOptions): Promise<ForwardOutcome> {
  const { endpoint } = options.lease;
  endpoint.runningRequests += 1;
  try {
    return (await forwardOnce(options)) ?? (await forwardOnce(options)) ?? refuseUnreachable(options);
  } finally {
    endpoint.runningRequests -= 1;
  }
}

/**
 * Like `forward`, but once, and without the last word: where nothing of the request was sent, or its answer was declined,
 * nothing has been said to the client, and somebody else may answer it.
 */
export async function tryForward(options: ForwardOptions): Promise<ForwardOutcome | Unanswered> {
  const { endpoint } = options.lease;
  let declined: Unanswered | undefined;
  let unsent: Error | undefined;
  endpoint.runningRequests += 1;
  try {
    const outcome = await forwardOnce(options, {
      onUnsent: (error) => (unsent = error),
      onDeclined: (status, headers) => (declined = { kind: 'declined', status, headers }),
    });
    return outcome ?? declined ?? { kind: 'unsent', error: unsent };
  } finally {
    endpoint.runningRequests -= 1;
  }
}

/** Why the client has not been told anything yet. */
export type Unanswered =
  | { readonly kind: 'unsent'; readonly error: Error | undefined }
  | { readonly kind: 'declined'; readonly status: number; readonly headers: IncomingHttpHeaders };

interface UnansweredListener {
  onUnsent(error: Error): void;
  onDeclined(status: number, headers: IncomingHttpHeaders): void;
}

function refuseUnreachable(options: ForwardOptions): ForwardOutcome {
  const { lease, response, family } = options;
  const error =
    options.explainLoss() ??
    new AppError('upstream-unavailable', `The process of model "${lease.modelId}" cannot be reached.`);
  sendErrorOrEvent(response, error, family);
  return { status: response.statusCode, endedBy: 'crash', error };
}

/** Undefined if nothing of the request was sent, or its answer was declined. */
function forwardOnce(options: ForwardOptions, unanswered?: UnansweredListener): Promise<ForwardOutcome | undefined> {
  const { request, response, lease, family, clock, body, isDeclined, translator } = options;
  const upstreamName = options.upstreamName ?? `The process of model "${lease.modelId}"`;
  /** A stream's head is out, with status 200. */
  const hasHead = response.headersSent;
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let hasStarted = false;
    /** Another answer than a stream, where a stream was begun. */
    let refusal: Refusal | undefined;
    let isEvents = false;
    let endsWithBlankLine = true;
    let isSettled = false;
    let timer: Timer | undefined;
    const ofStream = options.mayStream === true ? lease.endpoint.streams.take() : undefined;
    /** Why we broke it off ourselves; undefined while we did not. */
    let ownReason: AppError | 'client-gone' | undefined;

    const settle = (outcome: ForwardOutcome | undefined): void => {
      if (isSettled) return;
      isSettled = true;
      timer?.cancel();
      lease.onAborted = undefined;
      ofStream?.end(outcome?.endedBy === 'model');
      if (outcome === undefined) response.off('close', onClose); // The next attempt listens itself.
      resolve(outcome);
    };
    const abort = (reason: AppError | 'client-gone'): void => {
      ownReason ??= reason;
      controller?.abort(reason === 'client-gone' ? new AppError('cancelled', 'The client went away.') : reason);
    };
    const onClose = (): void => {
      if (isSettled || response.writableFinished) return;
      abort('client-gone');
      if (controller === undefined) settle(clientGone());
    };
    const onDrain = (): void => {
      if (isSettled) return;
      limitSilence(options.idleTimeoutMs, 'went silent');
      controller?.resume();
    };
    const limitSilence = (limitMs: number, what: string): void => {
      timer?.cancel();
      if (limitMs === 0) return;
      timer = clock.setTimer(limitMs, () => {
        abort(
          new AppError(
            'upstream-timeout',
            `${options.upstreamName ?? `Model "${lease.modelId}"`} ${what} for ${formatDuration(limitMs)}.`,
          ),
        );
      });
    };

    response.once('close', onClose);
    lease.onAborted = abort;
    if (response.destroyed) {
      settle(clientGone());
      return;
    }
    limitSilence(options.responseTimeoutMs, 'did not answer');

    (ofStream ?? lease.endpoint).dispatcher.dispatch(
      {
        origin: lease.endpoint.origin,
        path: lease.endpoint.basePath + options.path,
        method: request.method ?? 'GET',
        headers: forwardedRequestHeaders(request.rawHeaders, request.headers.connection, {
          apiKey: lease.endpoint.apiKey,
          contentLength: body?.length,
          isPlainWanted: hasHead || translator !== undefined,
          isTranslated: translator !== undefined,
          more: options.extraHeaders,
        }),
        body: body ?? null,
        reset: ofStream?.isLast === true,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(started) {
          controller = started;
          if (ownReason !== undefined) abort(ownReason);
        },
        onResponseStart(current, statusCode, headers) {
          // Interim answers (RFC 9110, section 15.2) are not what the client waits for.
          if (statusCode < 200) return;
          if (isDeclined?.(statusCode, headers) === true) {
            unanswered?.onDeclined(statusCode, headers);
            settle(undefined);
            current.abort(new AppError('cancelled', 'The answer is not wanted.'));
            return;
          }
          isEvents = isEventStream(headers);
          if (hasHead && (statusCode !== 200 || !isEvents || headers['content-encoding'] !== undefined)) {
            if (statusCode < 300) abort(notTheStream(headers['content-type']));
            else refusal = createRefusal(statusCode);
            limitSilence(options.idleTimeoutMs, 'went silent');
            return;
          }
          hasStarted = true;
          options.onStart?.(isEvents);
          if (translator !== undefined) {
            const head = translator.start(statusCode, headers['content-type']?.toString());
            if (head !== undefined) response.writeHead(head.status, head.headers).flushHeaders();
          } else {
            if (!hasHead) response.writeHead(statusCode, withOwnVary(returnedHeaders(headers), response));
            if (isEvents) response.flushHeaders();
          }
          limitSilence(options.idleTimeoutMs, 'went silent');
        },
        onResponseData(current, chunk) {
          lease.endpoint.piecesSeen += 1;
          if (refusal !== undefined) {
            refusal.add(chunk);
            return;
          }
          options.onChunk?.(chunk);
          if (options.idleTimeoutMs !== 0) limitSilence(options.idleTimeoutMs, 'went silent');
          if (isEvents) endsWithBlankLine = hasBlankLineEnd(chunk);
          const passed = translator === undefined ? chunk : translator.chunk(chunk);
          if (passed.length > 0 && !response.write(passed)) {
            current.pause();
            response.once('drain', onDrain);
            // From here to `drain` it is the client that is silent.
            timer?.cancel();
          }
        },
        onResponseEnd() {
          if (translator === undefined) response.end(refusal?.event(family));
          else {
            const { head, body: rest } = translator.end();
            if (head !== undefined) response.writeHead(head.status, head.headers);
            response.end(rest);
          }
          settle({ status: response.statusCode, endedBy: 'model', error: undefined });
        },
        onResponseError(_controller, error) {
          if (ownReason === 'client-gone') {
            response.destroy();
            settle(clientGone());
            return;
          }
          if (isSettled) return;
          if (ownReason === undefined && !hasStarted && isUnsent(error)) {
            unanswered?.onUnsent(error);
            settle(undefined);
            return;
          }
          if (!hasStarted && ownReason === undefined) lease.endpoint.streams.doubt();
          // The exit of the process is told a moment after its connections broke; it is the better explanation.
          const wait = ownReason === undefined ? EXPLANATION_WAIT_MS : 0;
          clock.setTimer(wait, () => {
            failAnswer(ownReason instanceof AppError ? ownReason : (options.explainLoss() ?? brokenOff(error)));
          });
        },
      },
    );

    function isUnsent(error: Error): boolean {
      if (NOTHING_SENT.has((error as NodeJS.ErrnoException).code ?? '')) return true;
      // undici hands out the controller when it begins to write, so there was no connection yet.
      return unanswered !== undefined && controller === undefined;
    }

    function failAnswer(error: AppError): void {
      if (!hasStarted || !response.headersSent) sendErrorOrEvent(response, error, family);
      else if (translator !== undefined) response.end(translator.error(error));
      else if (isEvents && !response.destroyed) {
        response.end(`${endsWithBlankLine ? '' : '\n\n'}${errorEvent(error, family)}`);
      } else response.destroy();
      settle({ status: response.statusCode, endedBy: ownReason === undefined ? 'crash' : 'corral', error });
    }

    function clientGone(): ForwardOutcome {
      return { status: response.headersSent ? response.statusCode : null, endedBy: 'client', error: undefined };
    }

    function notTheStream(contentType: string | string[] | undefined): AppError {
      return new AppError(
        'upstream-unavailable',
        `${upstreamName} was asked for a stream and answered with ${contentType?.toString() ?? 'something else'}. Ask it ` +
          'without "stream", or switch scheduler.waitingComments off.',
      );
    }

    function brokenOff(error: Error): AppError {
      return new AppError(
        'upstream-unavailable',
        `${upstreamName} broke off ${hasStarted ? 'in the middle of its answer' : 'before it answered'} ` +
          `(${error.message}).`,
        { cause: error },
      );
    }
  });
}

/** The guards' `Vary: Origin` stays, whatever the child's answer depends on besides. */
function withOwnVary(headers: OutgoingHttpHeaders, response: ServerResponse): OutgoingHttpHeaders {
  const own = response.getHeader('vary');
  if (own === undefined || headers['vary'] === undefined) return headers;
  return { ...headers, vary: [own, headers['vary']].flat().join(', ') };
}

const EXPLANATION_WAIT_MS = 60;

/** What a process said when it refused a request. */
interface Refusal {
  add(chunk: Buffer): void;
  event(family: ApiFamily): string;
}

/** Longer than any message that people read. */
const MAX_REFUSAL_BYTES = 64 * 1024;

function createRefusal(status: number): Refusal {
  const chunks: Buffer[] = [];
  let totalBytes = 0;
  return {
    add(chunk) {
      totalBytes += chunk.length;
      if (totalBytes <= MAX_REFUSAL_BYTES) chunks.push(chunk);
    },
    event: (family) => refusalEvent(status, Buffer.concat(chunks).toString('utf8'), family),
  };
}

function hasBlankLineEnd(chunk: Buffer): boolean {
  const { length } = chunk;
  return (
    chunk[length - 1] === 0x0a &&
    (chunk[length - 2] === 0x0a || (chunk[length - 2] === 0x0d && chunk[length - 3] === 0x0a))
  );
}
