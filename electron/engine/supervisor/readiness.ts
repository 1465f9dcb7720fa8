import http from 'node:http';
import type { Clock } from '../ports/clock.ts';
import type { ListenAddress } from './endpoint.ts';

export interface HealthAnswer {
  readonly status: number;
  /** How long the server keeps idle connections, from its `Keep-Alive` header; undefined if it does not say. */
  readonly advertisedIdleMs: number | undefined;
}

/** One GET; undefined if nobody answers within `timeoutMs`. Never rejects but by the signal. */
export function probeHealth(
  listen: ListenAddress,
  path: string,
  { timeoutMs, signal, apiKey }: { timeoutMs: number; signal: AbortSignal; apiKey?: string | undefined },
): Promise<HealthAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get({
      ...(listen.kind === 'socket' ? { socketPath: listen.path } : { host: listen.host, port: listen.port }),
      path,
      agent: false,
      timeout: timeoutMs,
      headers: { connection: 'keep-alive', ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) },
      signal,
    });
    request.once('response', (response) => {
      const seconds = /timeout=(\d+)/.exec(String(response.headers['keep-alive'] ?? ''))?.[1];
      response.destroy();
      resolve({
        status: response.statusCode ?? 0,
        advertisedIdleMs: seconds === undefined ? undefined : Number(seconds) * 1000,
      });
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => {
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(undefined);
    });
    request.once('close', () => resolve(undefined));
  });
}

/** Nobody reads a model in less time than it takes to probe this often, and the cost falls once it is known to be slow. */
function probePauseMs(ageMs: number): number {
  if (ageMs < 2000) return 8;
  if (ageMs < 10_000) return 20;
  return 100;
}

const PROBE_TIMEOUT_MS = 2000;

export interface ReadinessWatch {
  /** Resolves with the first good answer; rejects with the signal's reason. */
  readonly ready: Promise<HealthAnswer>;
  /** Probes at once instead of after the pause: the log said something. */
  nudge(): void;
}

/** Asks a starting server until it answers 200: often at first, so that readiness is noticed within 25 ms, then less. */
export function watchReadiness(options: {
  listen: ListenAddress;
  path: string;
  apiKey: string | undefined;
  clock: Clock;
  signal: AbortSignal;
  /** The server says something, if only that it is not ready. */
  onAnswer(): void;
}): ReadinessWatch {
  const { listen, path, apiKey, clock, signal, onAnswer } = options;
  let wake: (() => void) | undefined;
  let isNudged = false;

  const rest = (pauseMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel();
        reject(signal.reason as Error);
      };
      const finish = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        wake = undefined;
        resolve();
      };
      const timer = clock.setTimer(isNudged ? 0 : pauseMs, finish);
      isNudged = false;
      wake = finish;
      signal.addEventListener('abort', onAbort, { once: true });
    });

  const watch = async (): Promise<HealthAnswer> => {
    const startMs = clock.nowMs();
    for (;;) {
      signal.throwIfAborted();
      const answer = await probeHealth(listen, path, { timeoutMs: PROBE_TIMEOUT_MS, signal, apiKey });
      if (answer !== undefined) onAnswer();
      if (answer?.status === 200) return answer;
      await rest(probePauseMs(clock.nowMs() - startMs));
    }
  };

  return {
    ready: watch(),
    nudge() {
      isNudged = true;
      wake?.();
    },
  };
}
