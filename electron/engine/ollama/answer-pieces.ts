import { isObject, type JsonObject } from './request-fields.ts';

/**
 * What an answer of a model's server says, or an event of one: read off three forms of it (chat, completion, infill), whole
 * or streamed alike. Pure.
 */
export interface AnswerPiece {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly ToolCallPiece[];
  readonly logprobs: readonly JsonObject[];
  /** OpenAI's word for why it ended. */
  readonly finishReason: string | undefined;
  readonly counts: AnswerCounts | undefined;
  /** The server gave up in the middle. */
  readonly error: string | undefined;
}

/** A tool call, or a part of one: streamed arguments come in pieces. */
export interface ToolCallPiece {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface AnswerCounts {
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  readonly promptMs: number | undefined;
  readonly completionMs: number | undefined;
}

export type ReadPiece = (body: JsonObject) => AnswerPiece;

const NOTHING: AnswerPiece = {
  text: '',
  thinking: '',
  toolCalls: [],
  logprobs: [],
  finishReason: undefined,
  counts: undefined,
  error: undefined,
};

/** `/v1/chat/completions` */
export function readChatPiece(body: JsonObject): AnswerPiece {
  const choice = firstChoice(body);
  const said = isObject(choice['delta']) ? choice['delta'] : isObject(choice['message']) ? choice['message'] : {};
  const calls = Array.isArray(said['tool_calls']) ? (said['tool_calls'] as unknown[]) : [];
  return {
    ...common(body, choice),
    text: text(said['content']),
    thinking: text(said['reasoning_content']),
    toolCalls: calls.filter(isObject).map((call, position): ToolCallPiece => {
      const called = isObject(call['function']) ? call['function'] : {};
      const { index } = call;
      return {
        index: typeof index === 'number' ? index : position,
        id: text(call['id']),
        name: text(called['name']),
        arguments: text(called['arguments']),
      };
    }),
  };
}

/** `/v1/completions` */
export function readTextPiece(body: JsonObject): AnswerPiece {
  const choice = firstChoice(body);
  return { ...common(body, choice), text: text(choice['text']) };
}

/** `/infill`, in llama-server's own words. */
export function readNativePiece(body: JsonObject): AnswerPiece {
  const isEnd = body['stop'] === true;
  return {
    ...common(body, {}),
    text: text(body['content']),
    finishReason: isEnd ? (body['stop_type'] === 'limit' ? 'length' : 'stop') : undefined,
  };
}

function common(body: JsonObject, choice: JsonObject): AnswerPiece {
  const { logprobs } = choice;
  const listed = isObject(logprobs) && Array.isArray(logprobs['content']) ? (logprobs['content'] as unknown[]) : [];
  const finish = choice['finish_reason'];
  return {
    ...NOTHING,
    logprobs: listed.filter(isObject),
    finishReason: typeof finish === 'string' ? finish : undefined,
    counts: readCounts(body),
    error: readError(body['error']),
  };
}

function readCounts(body: JsonObject): AnswerCounts | undefined {
  const usage = isObject(body['usage']) ? body['usage'] : undefined;
  const timings = isObject(body['timings']) ? body['timings'] : undefined;
  if (usage === undefined && timings === undefined) return undefined;
  const number = (from: JsonObject | undefined, key: string): number | undefined => {
    const value = from?.[key];
    return typeof value === 'number' ? value : undefined;
  };
  const evaluated = number(timings, 'prompt_n');
  const promptTokens = evaluated === undefined ? undefined : evaluated + (number(timings, 'cache_n') ?? 0);
  return {
    promptTokens: number(usage, 'prompt_tokens') ?? promptTokens,
    completionTokens: number(usage, 'completion_tokens') ?? number(timings, 'predicted_n'),
    promptMs: number(timings, 'prompt_ms'),
    completionMs: number(timings, 'predicted_ms'),
  };
}

function readError(error: unknown): string | undefined {
  if (error === undefined || error === null) return undefined;
  if (typeof error === 'string') return error;
  const message = isObject(error) ? error['message'] : undefined;
  return typeof message === 'string' ? message : "The model's server gave up in the middle of its answer.";
}

function firstChoice(body: JsonObject): JsonObject {
  const choices: unknown[] = Array.isArray(body['choices']) ? body['choices'] : [];
  return isObject(choices[0]) ? choices[0] : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
