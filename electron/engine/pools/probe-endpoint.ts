import type { Dispatcher } from 'undici';
import type { Clock } from '../ports/clock.ts';
import { readRetryAfter } from './endpoint-state.ts';
import { INSTANCE_HEADER } from './hops.ts';
import type { RemoteModel } from './pool-names.ts';

export type ProbeResult =
  /** `models` is undefined where it was not asked for, or keeps no list. */
  | {
      readonly kind: 'answered';
      readonly models: ReadonlyMap<string, RemoteModel> | undefined;
      /** The id of the Corral that it is, if it is one. */
      readonly instanceId?: string | undefined;
    }
  | { readonly kind: 'loading'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'failed'; readonly reason: string };

export interface ProbeOptions {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** What stands before `/v1` and `/health`; may be empty. */
  readonly basePath: string;
  readonly apiKey: string | undefined;
  /** Or `none`. */
  readonly healthPath: string;
  readonly wantsList: boolean;
  /** For both questions together. */
  readonly timeoutMs: number;
  /** Sent with each question. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A few thousand models with long descriptions; more is no list of models. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;
const MAX_MODELS = 10_000;
const MAX_ID_LENGTH = 500;

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly instanceId: string | undefined;
  readonly body: Buffer;
}

/**
 * Asks an endpoint how it is and what it has. Where there is no such health path, or it wants another key than we have, the
 * model list says whether the server is well. Never rejects, and nothing it asks starts a model.
 */
export async function probeEndpoint(options: ProbeOptions): Promise<ProbeResult> {
  const { clock, timeoutMs, healthPath } = options;
  const controller = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => controller.abort(new Error(`no answer within ${timeoutMs} ms`)));
  const signal = AbortSignal.any([controller.signal, options.signal]);
  try {
    const health = healthPath === 'none' ? undefined : await ask(healthPath);
    if (health?.status === 503) return { kind: 'loading', retryAfterMs: health.retryAfterMs };
    if (health !== undefined && health.status >= 500) {
      return { kind: 'failed', reason: `${healthPath} answers with status ${health.status}` };
    }
    const isWell = health !== undefined && health.status >= 200 && health.status < 300;
    if (isWell && !options.wantsList) return { kind: 'answered', models: undefined };
    return judgeList(await ask('/v1/models'), isWell);
  } catch (thrown) {
    return { kind: 'failed', reason: describeFailure(thrown) };
  } finally {
    timer.cancel();
  }

  async function ask(path: string): Promise<Answer> {
    const { statusCode, headers, body } = await options.dispatcher.request({
      origin: options.origin,
      path: options.basePath + path,
      method: 'GET',
      headers: {
        accept: 'application/json, */*',
        ...options.headers,
        ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      },
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const chunks: Buffer[] = [];
    let totalBytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      totalBytes += chunk.length;
      if (totalBytes > MAX_LIST_BYTES) throw new Error(`${path} answers with more than ${MAX_LIST_BYTES} bytes`);
      chunks.push(chunk);
    }
    return {
      status: statusCode,
      retryAfterMs: readRetryAfter(headers['retry-after'], clock.wallMs()),
      instanceId: [headers[INSTANCE_HEADER]].flat()[0],
      body: Buffer.concat(chunks),
    };
  }
}

function judgeList({ status, retryAfterMs, instanceId, body }: Answer, isWell: boolean): ProbeResult {
  if (status === 200) {
    const models = parseModelList(body.toString('utf8'));
    if (models !== undefined) return { kind: 'answered', models, instanceId };
    return isWell
      ? { kind: 'answered', models: undefined }
      : { kind: 'failed', reason: '/v1/models answers with something that is no list of models' };
  }
  if (status === 401 || status === 403) {
    return { kind: 'failed', reason: `it refuses the key (status ${status}); set this endpoint's apiKey` };
  }
  if (status === 503 || status === 429) return { kind: 'loading', retryAfterMs };
  if (isWell) return { kind: 'answered', models: undefined };
  return { kind: 'failed', reason: `/v1/models answers with status ${status}` };
}

/** `{ data: [{ id }] }`, as OpenAI has it; undefined for anything else. Entries without an id are left out. Pure. */
export function parseModelList(text: string): ReadonlyMap<string, RemoteModel> | undefined {
  const data = asRecord(parseJson(text))?.['data'];
  if (!Array.isArray(data)) return undefined;
  const models = new Map<string, RemoteModel>();
  for (const entry of data.slice(0, MAX_MODELS) as unknown[]) {
    const model = asRecord(entry);
    const id = model?.['id'];
    if (model === undefined || typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) continue;
    if (!models.has(id)) models.set(id, model);
  }
  return models;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Whoever asked says what it should have been.
  }
}

function asRecord(value: unknown): RemoteModel | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RemoteModel) : undefined;
}

/** Why a server could not be asked, for people. Addresses of several families come as one error with a list in it. */
export function describeFailure(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return describeFailure(thrown.errors[0]);
  if (!(thrown instanceof Error)) return String(thrown);
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  return plainReasons[code] ?? (thrown.message === '' ? code : thrown.message);
}

const plainReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at its address (connection refused)',
  ENOTFOUND: 'its name is not known (DNS)',
  EAI_AGAIN: 'its name could not be looked up (DNS)',
  EHOSTUNREACH: 'its machine cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ECONNRESET: 'the connection was reset',
  UND_ERR_CONNECT_TIMEOUT: 'its machine did not answer in time',
  UND_ERR_SOCKET: 'the connection was closed',
};
