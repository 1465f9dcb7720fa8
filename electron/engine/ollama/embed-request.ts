import { AppError } from '#shared/contract/errors.ts';
import { readRefusal } from '../proxy/error-bodies.ts';
import type { AnswerFacts, AnswerTranslator, Translate, TranslatedRequest } from '../proxy/translation.ts';
import { nanoseconds } from './completion-answer.ts';
import { parseKeepAlive } from './keep-alive.ts';
import { flagField, isObject, textField, type JsonObject } from './request-fields.ts';
import { cutInputs } from './cut-inputs.ts';

const PATH = '/v1/embeddings';

/** `POST /api/embed`. */
export const translateEmbed: Translate = (request, { model, asked }) => {
  const keepAliveMs = parseKeepAlive(request['keep_alive']);
  const inputs = readInputs(request['input']);
  const isCut = flagField(request, 'truncate') ?? true;
  const dimensions = readDimensions(request['dimensions']);
  if (inputs.length === 0) {
    return embedResidency(keepAliveMs, (facts) => ({ model: asked, embeddings: [], ...cost(facts, 0) }));
  }
  return {
    kind: 'forward',
    isStreaming: false,
    keepAliveMs,
    path: PATH,
    body: { model, input: inputs },
    ...(isCut ? { prepare: cutInputs } : {}),
    createAnswer: (facts) =>
      createEmbeddingAnswer((embeddings, promptTokens) => ({
        model: asked,
        embeddings: embeddings.map((embedding) => shorten(embedding, dimensions)),
        ...cost(facts, promptTokens),
      })),
  };
};

/** `POST /api/embeddings`, the older form: one text, and its embedding as the model made it, not brought to length 1. */
export const translateEmbeddings: Translate = (request, { model }) => {
  const keepAliveMs = parseKeepAlive(request['keep_alive']);
  const prompt = textField(request, 'prompt');
  if (prompt === '') return embedResidency(keepAliveMs, () => ({ embedding: [] }));
  return {
    kind: 'forward',
    isStreaming: false,
    keepAliveMs,
    path: PATH,
    body: { model, input: [prompt], embd_normalize: -1 },
    prepare: cutInputs,
    createAnswer: () => createEmbeddingAnswer(([embedding = []]) => ({ embedding })),
  };
};

function embedResidency(
  keepAliveMs: number | undefined,
  answer: (facts: AnswerFacts) => Record<string, unknown>,
): TranslatedRequest {
  return { kind: keepAliveMs === 0 ? 'unload' : 'load', isStreaming: false, keepAliveMs, answer };
}

function cost(facts: AnswerFacts, promptTokens: number): JsonObject {
  return {
    total_duration: nanoseconds(facts.elapsedMs()),
    load_duration: nanoseconds(facts.loadWaitMs),
    prompt_eval_count: promptTokens,
  };
}

function readInputs(input: unknown): readonly string[] {
  if (input === undefined || input === null || input === '') return [];
  const texts: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (texts.every((text) => typeof text === 'string')) return texts;
  throw new AppError('invalid-request', 'invalid input type: "input" must be a text or a list of texts');
}

function readDimensions(dimensions: unknown): number | undefined {
  if (dimensions === undefined || dimensions === null || dimensions === 0) return undefined;
  if (typeof dimensions === 'number' && Number.isInteger(dimensions) && dimensions > 0) return dimensions;
  throw new AppError('invalid-request', '"dimensions" must be a whole number above 0');
}

/** The first dimensions of an embedding, brought to length 1 again. */
export function shorten(embedding: readonly number[], dimensions: number | undefined): readonly number[] {
  if (dimensions === undefined || dimensions >= embedding.length) return embedding;
  const kept = embedding.slice(0, dimensions);
  const length = Math.hypot(...kept);
  return length === 0 ? kept : kept.map((value) => value / length);
}

/** How llama-server says that a text is too long for it, in builds since 2024. */
const tooLong = /too large to process|exceeds the available context size|larger than the max context size/;

export function createEmbeddingAnswer(
  write: (embeddings: readonly (readonly number[])[], promptTokens: number) => JsonObject,
): AnswerTranslator {
  const chunks: Buffer[] = [];
  let status = 200;
  const answer = (code: number, body: JsonObject): ReturnType<AnswerTranslator['end']> => ({
    head: { status: code, headers: { 'content-type': 'application/json; charset=utf-8' } },
    body: JSON.stringify(body),
  });
  return {
    start(upstreamStatus) {
      status = upstreamStatus;
      return undefined;
    },
    chunk(bytes) {
      chunks.push(bytes);
      return '';
    },
    end() {
      const text = Buffer.concat(chunks).toString('utf8');
      if (status >= 400) {
        const { message } = readRefusal(status, text);
        if (!tooLong.test(message)) return answer(status, { error: message });
        return answer(400, { error: `the input length exceeds the context length: ${message}` });
      }
      const found = readEmbeddings(text);
      if (found === undefined) return answer(502, { error: "The model's server answered with no embeddings." });
      return answer(200, write(found.embeddings, found.promptTokens));
    },
    error: ({ message }) => JSON.stringify({ error: message }),
  };
}

function readEmbeddings(text: string): { embeddings: number[][]; promptTokens: number } | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(body) || !Array.isArray(body['data'])) return undefined;
  const rows = (body['data'] as unknown[]).filter(isObject);
  const indexOf = ({ index }: JsonObject): number => (typeof index === 'number' ? index : 0);
  const embeddings = rows
    .sort((one, other) => indexOf(one) - indexOf(other))
    .map(({ embedding }) => (Array.isArray(embedding) ? (embedding as number[]) : []));
  const usage = isObject(body['usage']) ? body['usage'] : {};
  const { prompt_tokens: promptTokens } = usage;
  return { embeddings, promptTokens: typeof promptTokens === 'number' ? promptTokens : 0 };
}
