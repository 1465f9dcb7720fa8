import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { AnswerMeter } from '../telemetry/answer-meter.ts';
import type { PendingRecord } from '../telemetry/record-intake.ts';
import type { Target } from './find-target.ts';
import type { ForwardOutcome } from './forward.ts';
import type { Lane } from './guards.ts';
import type { ApiFamily } from './routes.ts';

/** One request and its answer, and what is known of them by now. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of errors. */
  readonly family: ApiFamily;
  /** For records. */
  readonly route: string;
  readonly arrivedMs: number;
  /** Wall-clock milliseconds. */
  readonly arrivedAt: number;
  readonly departure: Departure;
  lane: Lane | undefined;
  target: Target | undefined;
  lease: Lease | undefined;
  /** Its place, where that is on another machine. */
  pooledLease: Pick<Lease, 'requestId' | 'queueWaitMs' | 'loadWaitMs'> | undefined;
  meter: AnswerMeter | undefined;
  firstByteMs: number | undefined;
  outcome: ForwardOutcome | undefined;
  failure: AppError | undefined;
}

/** Whether the client is still there, and a signal for those who wait; most requests need none, and it is not free. */
export interface Departure {
  hasHappened(): boolean;
  signal(): AbortSignal;
}

export function beginExchange(
  { request, response, family, route }: Pick<Exchange, 'request' | 'response' | 'family' | 'route'>,
  clock: Clock,
): Exchange {
  return {
    request,
    response,
    family,
    route,
    arrivedMs: clock.nowMs(),
    arrivedAt: clock.wallMs(),
    departure: watchDeparture(response),
    lane: undefined,
    target: undefined,
    lease: undefined,
    pooledLease: undefined,
    meter: undefined,
    firstByteMs: undefined,
    outcome: undefined,
    failure: undefined,
  };
}

/** Whether somebody was to answer it; what has a place has a number of its own. */
export function hasPlace({ lease, pooledLease }: Exchange): boolean {
  return lease !== undefined || pooledLease !== undefined;
}

const NO_USAGE = { promptTokens: null, completionTokens: null, tokensPerSecond: null };

/** The record of an exchange that is over; undefined where it was refused before it was known who asked for what. */
export function recordOf(exchange: Exchange, endedMs: number, refusalNumber: number): PendingRecord | undefined {
  const { lane, target, arrivedAt, route, response } = exchange;
  if (lane === undefined || target === undefined) return undefined;
  const durationMs = endedMs - exchange.arrivedMs;
  const isGone = exchange.departure.hasHappened();
  return () => {
    const { lease, pooledLease, meter, firstByteMs, outcome, failure } = exchange;
    const place = lease ?? pooledLease;
    const usage = meter?.usage() ?? NO_USAGE;
    return {
      id: place?.requestId ?? `refused-${refusalNumber}`,
      at: arrivedAt,
      modelId: target.modelId,
      lane: lane.name,
      route,
      isStreaming: target.isStreaming,
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
  };
}

function watchDeparture(response: ServerResponse): Departure {
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
