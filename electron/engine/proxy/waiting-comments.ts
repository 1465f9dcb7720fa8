import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../ports/clock.ts';
import { percent } from '../scheduler/explain-wait.ts';
import type { WaitStatus } from '../scheduler/wait-forecast.ts';

export interface WaitingCommentSettings {
  readonly isEnabled: boolean;
  /** Silence before the first one. */
  readonly afterMs: number;
  /** Time between two. */
  readonly intervalMs: number;
}

export interface WaitingComments {
  /** The request entered the queue. */
  onQueued(requestId: string): void;
  /** It left the queue; nothing is sent from here on. Idempotent. */
  stop(): void;
}

/**
 * Sends comments on a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html: lines that begin with a colon,
 * which every reader skips) while its request waits, so that clients and proxies see that somebody is there. The first one
 * sends the head of the answer, too, and with it status 200: whatever fails later has to be told by an event.
 */
export function createWaitingComments({
  response,
  clock,
  settings,
  waitStatus,
  note,
}: {
  readonly response: ServerResponse;
  readonly clock: Clock;
  readonly settings: WaitingCommentSettings;
  waitStatus(requestId: string): WaitStatus | undefined;
  /** An event that goes out at once if the model has to be loaded first, whether or not comments are wanted. */
  readonly note?: string | undefined;
}): WaitingComments {
  let timer: Timer | undefined;
  let noteTimer: Timer | undefined;

  function sendHead(): void {
    if (response.headersSent) return;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
  }

  function sendNote(requestId: string, text: string): void {
    const waitsFor = waitStatus(requestId)?.waitsFor;
    if (waitsFor === undefined || waitsFor === 'slot' || waitsFor === 'lane' || response.destroyed) return;
    sendHead();
    response.write(text);
  }

  function send(requestId: string): void {
    const status = waitStatus(requestId);
    if (status === undefined || response.destroyed) return;
    sendHead();
    // A client that does not read has no use for more of them.
    if (!response.writableNeedDrain) response.write(formatWaitingComment(status));
    timer = clock.setTimer(settings.intervalMs, () => send(requestId));
  }

  return {
    onQueued(requestId) {
      if (note !== undefined) noteTimer = clock.setTimer(0, () => sendNote(requestId, note));
      if (settings.isEnabled) timer = clock.setTimer(settings.afterMs, () => send(requestId));
    },
    stop() {
      timer?.cancel();
      noteTimer?.cancel();
    },
  };
}

/**
 * Such as `: queued 2/5`, with the blank line that ends every event: the second of five that wait for the model. Says nothing
 * of other models or lanes, which are not the client's business. Pure.
 */
export function formatWaitingComment(status: WaitStatus): string {
  return `: ${describeWait(status)}\n\n`;
}

function describeWait({ waitsFor, place, total, modelState, loadProgress }: WaitStatus): string {
  switch (waitsFor) {
    case 'slot':
      return `queued ${place}/${total}`;
    case 'load':
      if (modelState !== 'loading') return 'starting';
      return loadProgress === null ? 'loading' : `loading ${percent(loadProgress)}`;
    case 'room':
      return 'waiting for room';
    case 'restart-delay':
      return 'waiting for restart';
    case 'lane':
      return 'waiting for lane';
    case 'eject':
      return 'waiting for unload';
    case 'game-mode':
      return 'waiting for the end of game mode';
  }
}
