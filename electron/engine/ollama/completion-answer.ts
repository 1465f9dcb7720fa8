import type { OutgoingHttpHeaders } from 'node:http';
import { readRefusal } from '../proxy/error-bodies.ts';
import type { AnswerFacts, AnswerHead, AnswerTranslator } from '../proxy/translation.ts';
import type { AnswerCounts, AnswerPiece, ReadPiece } from './answer-pieces.ts';
import { createEventDataReader, type EventDataReader } from './event-data.ts';
import { isObject, type JsonObject } from './request-fields.ts';
import { createToolCallAssembler } from './tool-calls.ts';

/** What a piece of an answer holds, for the form of one endpoint. */
export interface Said {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly JsonObject[];
}

export interface CompletionAnswerOptions {
  /** What the client called the model. */
  readonly asked: string;
  readonly isStreaming: boolean;
  readonly isThinkingHidden: boolean;
  /** Names of options that had no effect. */
  readonly ignored: readonly string[];
  readonly read: ReadPiece;
  /** The endpoint's own part of an answer. */
  write(said: Said): JsonObject;
}

const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json; charset=utf-8';

/** Longer than any message that people read. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** The answer to `/api/chat` and `/api/generate`: lines of JSON while it comes, or one object at its end. */
export function createCompletionAnswer(options: CompletionAnswerOptions, facts: AnswerFacts): AnswerTranslator {
  const { asked, isStreaming } = options;
  const calls = createToolCallAssembler();
  const forwardedMs = facts.elapsedMs();
  let events: EventDataReader | undefined;
  /** An answer in one piece, or a refusal. */
  let whole: Buffer[] = [];
  let status = 200;
  let firstMs: number | undefined;
  let finishReason: string | undefined;
  let counts: AnswerCounts = NO_COUNTS;
  let failure: string | undefined;
  let isOver = false;
  /** Kept for the one object of a client that does not stream. */
  let kept: Said = NOTHING_SAID;
  let keptLogprobs: readonly JsonObject[] = [];

  const common = (): JsonObject => ({ model: asked, created_at: new Date(facts.wallMs()).toISOString() });

  function headers(contentType: string): OutgoingHttpHeaders {
    const ignored = headerList(options.ignored);
    return {
      'content-type': contentType,
      ...(ignored === '' ? {} : { 'x-corral-ignored-options': ignored }),
      ...(contentType === NDJSON ? { 'x-accel-buffering': 'no' } : {}),
    };
  }

  /** What of a piece the client gets at once. */
  function take(piece: AnswerPiece): string {
    if (isOver) return '';
    if (piece.counts !== undefined) counts = mergeCounts(counts, piece.counts);
    if (piece.error !== undefined) {
      isOver = true;
      failure = piece.error;
      return isStreaming ? line({ error: failure }) : '';
    }
    finishReason ??= piece.finishReason;
    const toolCalls = [...calls.add(piece.toolCalls), ...(piece.finishReason === undefined ? [] : calls.end())];
    return pass({ text: piece.text, thinking: piece.thinking, toolCalls }, piece.logprobs);
  }

  function pass(said: Said, logprobs: readonly JsonObject[]): string {
    const shown = options.isThinkingHidden ? { ...said, thinking: '' } : said;
    if (shown.text === '' && shown.thinking === '' && shown.toolCalls.length === 0) return '';
    firstMs ??= facts.elapsedMs();
    if (!isStreaming) {
      kept = {
        text: kept.text + shown.text,
        thinking: kept.thinking + shown.thinking,
        toolCalls: [...kept.toolCalls, ...shown.toolCalls],
      };
      keptLogprobs = [...keptLogprobs, ...logprobs];
      return '';
    }
    return line({ ...common(), ...options.write(shown), done: false, ...logprobField(logprobs) });
  }

  function last(): JsonObject {
    return {
      ...common(),
      ...options.write(kept),
      done: true,
      done_reason: finishReason === 'length' ? 'length' : 'stop',
      ...logprobField(keptLogprobs),
      ...durations(counts, { ...facts, forwardedMs, firstMs: firstMs ?? facts.elapsedMs() }),
    };
  }

  /** Everything that came in one piece. */
  function takeWhole(): string {
    const text = Buffer.concat(whole).toString('utf8');
    if (status >= 400) {
      failure = readRefusal(status, text).message;
      return '';
    }
    const body = parseObject(text);
    if (body !== undefined) return take(options.read(body));
    status = 502;
    failure = "The model's server answered with something that is no JSON.";
    return '';
  }

  return {
    start(upstreamStatus, contentType) {
      status = upstreamStatus;
      const isEvents = contentType?.toLowerCase().startsWith('text/event-stream') === true;
      if (status !== 200 || !isEvents) return undefined;
      events = createEventDataReader();
      return isStreaming ? { status, headers: headers(NDJSON) } : undefined;
    },
    chunk(bytes) {
      if (events === undefined) {
        if (status < 400 || byteCount(whole) < MAX_REFUSAL_BYTES) whole.push(bytes);
        return '';
      }
      let lines = '';
      for (const data of events.read(bytes)) {
        const body = parseObject(data);
        if (body !== undefined) lines += take(options.read(body));
      }
      return lines;
    },
    end() {
      const said = events === undefined ? takeWhole() : '';
      whole = [];
      if (failure !== undefined) return refuse(failure);
      const called = pass({ ...NOTHING_SAID, toolCalls: calls.end() }, []);
      const isHeadOut = events !== undefined && isStreaming;
      const type = isStreaming ? NDJSON : JSON_TYPE;
      const body = isStreaming ? said + called + line(last()) : JSON.stringify(last());
      return { ...(isHeadOut ? {} : { head: { status: 200, headers: headers(type) } }), body };
    },
    error: ({ message }) => line({ error: message }),
  };

  function refuse(message: string): { head?: AnswerHead; body: string } {
    // In a stream it has been said already.
    if (events !== undefined && isStreaming) return { body: '' };
    const head = { status: refusalStatus(status), headers: headers(JSON_TYPE) };
    return { head, body: JSON.stringify({ error: message }) };
  }
}

/** A model that cannot fill in between is the client's mistake, with Ollama. */
function refusalStatus(status: number): number {
  if (status < 400) return 500;
  return status === 501 ? 400 : status;
}

const NOTHING_SAID: Said = { text: '', thinking: '', toolCalls: [] };

const NO_COUNTS: AnswerCounts = {
  promptTokens: undefined,
  completionTokens: undefined,
  promptMs: undefined,
  completionMs: undefined,
};

function mergeCounts(before: AnswerCounts, next: AnswerCounts): AnswerCounts {
  return {
    promptTokens: next.promptTokens ?? before.promptTokens,
    completionTokens: next.completionTokens ?? before.completionTokens,
    promptMs: next.promptMs ?? before.promptMs,
    completionMs: next.completionMs ?? before.completionMs,
  };
}

/** In nanoseconds. What the model's server does not measure is measured from here. */
export function durations(
  counts: AnswerCounts,
  facts: Pick<AnswerFacts, 'loadWaitMs' | 'elapsedMs'> & { readonly forwardedMs: number; readonly firstMs: number },
): JsonObject {
  const totalMs = facts.elapsedMs();
  return {
    total_duration: nanoseconds(totalMs),
    load_duration: nanoseconds(facts.loadWaitMs),
    prompt_eval_count: counts.promptTokens ?? 0,
    prompt_eval_duration: nanoseconds(counts.promptMs ?? facts.firstMs - facts.forwardedMs),
    eval_count: counts.completionTokens ?? 0,
    eval_duration: nanoseconds(counts.completionMs ?? totalMs - facts.firstMs),
  };
}

export function nanoseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1e6));
}

function logprobField(logprobs: readonly JsonObject[]): JsonObject {
  return logprobs.length === 0 ? {} : { logprobs: logprobs.map(logprob) };
}

function logprob({ token, logprob: value, bytes, top_logprobs: top }: JsonObject): JsonObject {
  const own = { token, logprob: value, ...(bytes === undefined ? {} : { bytes }) };
  return Array.isArray(top) ? { ...own, top_logprobs: top.filter(isObject).map(logprob) } : own;
}

function line(object: JsonObject): string {
  return `${JSON.stringify(object)}\n`;
}

/** Undefined for `[DONE]`, and for anything else that is no object. */
function parseObject(text: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Names that clients made up have no place in a header. */
function headerList(names: readonly string[]): string {
  return names
    .filter((name) => /^[a-z0-9_]{1,40}$/.test(name))
    .slice(0, 40)
    .join(', ');
}

function byteCount(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
