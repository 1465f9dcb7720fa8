import { z } from 'zod';
import { applyEvent } from './apply-event.ts';
import type { Bridge, BridgeListener } from './bridge.ts';
import { commands, type CommandName, type CommandRequest, type CommandResponse } from './commands.ts';
import { AppError, deserialiseError, serialisedErrorSchema } from './errors.ts';
import { numberedEventSchema } from './events.ts';
import { readEventStream } from './read-event-stream.ts';
import { snapshotSchema, type Snapshot } from './snapshot.ts';

export interface HttpBridgeOptions {
  /** Such as `http://127.0.0.1:5526`. */
  readonly address: string;
  /** The admin token or the instance's own; sent as Bearer. */
  readonly token: string;
  /** Pauses between attempts to reconnect; the last one repeats. */
  readonly reconnectDelaysMs?: readonly number[];
  /** A stream that is silent for so long is taken for dead; Corral says something every 15 s. */
  readonly silenceLimitMs?: number;
}

const errorBodySchema = z.object({ error: serialisedErrorSchema });

const DEFAULT_RECONNECT_DELAYS_MS = [100, 250, 500, 1000, 2000] as const;
const DEFAULT_SILENCE_LIMIT_MS = 40_000;

/** The bridge over HTTP and server-sent events, for browsers and Node alike: it needs nothing but `fetch`. */
export function createHttpBridge({
  address,
  token,
  reconnectDelaysMs = DEFAULT_RECONNECT_DELAYS_MS,
  silenceLimitMs = DEFAULT_SILENCE_LIMIT_MS,
}: HttpBridgeOptions): Bridge {
  const closing = new AbortController();
  const base = address.replace(/\/+$/, '');

  async function request(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    const signals = signal === undefined ? [closing.signal] : [closing.signal, signal];
    try {
      return await fetch(`${base}${path}`, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` },
        signal: AbortSignal.any(signals),
      });
    } catch (thrown) {
      signal?.throwIfAborted();
      const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : String(thrown);
      throw new AppError('upstream-unavailable', `Corral does not answer at ${base} (${cause}). Is it running?`, {
        cause: thrown,
      });
    }
  }

  async function readText(response: Response, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await response.text();
    } catch (thrown) {
      signal?.throwIfAborted();
      throw new AppError('upstream-unavailable', `Corral at ${base} broke off its answer.`, { cause: thrown });
    }
  }

  async function toError(response: Response, signal?: AbortSignal): Promise<AppError> {
    const text = await readText(response, signal);
    const body = errorBodySchema.safeParse(parseJson(text));
    if (body.success) return deserialiseError(body.data.error);
    return new AppError(
      'internal',
      `${base} answered ${response.status} with something that is not Corral's: ${text.slice(0, 200)}`,
    );
  }

  async function call<Name extends CommandName>(
    name: Name,
    body: CommandRequest<Name>,
    signal?: AbortSignal,
  ): Promise<CommandResponse<Name>> {
    const response = await request(
      `/control/commands/${name}`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      signal,
    );
    if (!response.ok) throw await toError(response, signal);
    const text = await readText(response, signal);
    const parsed = commands[name].response.safeParse(parseJson(text));
    if (parsed.success) return parsed.data as CommandResponse<Name>;
    throw new AppError(
      'internal',
      `${base} answered ${name} with something that is not Corral's: ${text.slice(0, 200)}`,
    );
  }

  /** One connection: delivers until it ends, then returns whether it had delivered at all. */
  async function follow(listener: BridgeListener, ended: AbortSignal, onDelivered: () => void): Promise<void> {
    // A machine that went to sleep, or a proxy that forgot the connection, closes nothing: only the silence tells.
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onBytes = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error('nothing was heard for too long')), silenceLimitMs);
    };
    try {
      onBytes();
      await deliver(listener, AbortSignal.any([ended, silence.signal]), onDelivered, onBytes);
    } finally {
      clearTimeout(timer);
    }
  }

  async function deliver(
    listener: BridgeListener,
    signal: AbortSignal,
    onDelivered: () => void,
    onBytes: () => void,
  ): Promise<void> {
    const response = await request('/control/events', { headers: { accept: 'text/event-stream' } }, signal);
    if (!response.ok || response.body === null) throw await toError(response);
    let snapshot: Snapshot | undefined;
    for await (const data of readEventData(response.body, onBytes)) {
      const message: unknown = parseJson(data);
      if (snapshot === undefined) {
        snapshot = snapshotSchema.parse(message);
        onDelivered();
        listener.onUpdate({ snapshot, event: undefined });
        continue;
      }
      const numbered = numberedEventSchema.parse(message);
      const next = applyEvent(snapshot, numbered);
      if (next === undefined) return; // A gap: the next connection starts with a whole snapshot.
      snapshot = next;
      listener.onUpdate({ snapshot, event: numbered.event });
    }
  }

  function subscribe(listener: BridgeListener): () => void {
    const ending = new AbortController();
    const isEnded = (): boolean => ending.signal.aborted || closing.signal.aborted;
    const run = async (): Promise<void> => {
      let failures = 0;
      while (!isEnded()) {
        let reason = 'the connection ended';
        try {
          await follow(listener, ending.signal, () => {
            failures = 0;
          });
        } catch (thrown) {
          reason = thrown instanceof Error ? thrown.message : String(thrown);
        }
        if (isEnded()) return;
        listener.onDisconnect(reason);
        const delayMs = reconnectDelaysMs[Math.min(failures, reconnectDelaysMs.length - 1)] ?? 1000;
        failures += 1;
        await pause(delayMs, [ending.signal, closing.signal]);
      }
    };
    void run();
    return () => ending.abort();
  }

  return { call, subscribe, close: () => closing.abort() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller's schema says what is wrong with it.
  }
}

function pause(delayMs: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    for (const signal of signals) signal.addEventListener('abort', finish, { once: true });
  });
}

/** The `data` of each event of a stream; comments are skipped. `onBytes` hears of everything that comes, comments too. */
export async function* readEventData(body: ReadableStream<Uint8Array>, onBytes?: () => void): AsyncGenerator<string> {
  for await (const { type, text } of readEventStream(body, onBytes)) {
    if (type === 'data') yield text;
  }
}
