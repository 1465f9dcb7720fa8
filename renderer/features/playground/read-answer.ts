import { z } from 'zod';
import type { AnswerTurn, AnswerUsage, ChatFailure } from './conversation.ts';

/** How the pieces of a streamed answer become a turn. Pure; every field is optional, since servers differ. */

const errorSchema = z.object({
  error: z.union([
    z.string().transform((message) => ({ message, code: null })),
    z.object({
      message: z.string(),
      code: z
        .union([z.string(), z.number()])
        .nullish()
        .transform((code) => (code === null || code === undefined ? null : String(code))),
    }),
  ]),
});

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .optional(),
  usage: z.object({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() }).nullish(),
  /** What llama-server adds. */
  timings: z
    .object({
      prompt_n: z.number().optional(),
      predicted_n: z.number().optional(),
      predicted_per_second: z.number().nullish(),
    })
    .nullish(),
});

export type StreamPiece =
  | { readonly type: 'comment'; readonly text: string }
  | { readonly type: 'data'; readonly text: string; readonly atMs: number };

/** The turn after a piece of the stream. What makes no sense is skipped: a proxy may add events of its own. */
export function addPiece(turn: AnswerTurn, piece: StreamPiece): AnswerTurn {
  if (piece.type === 'comment') {
    return turn.status.type === 'waiting' ? { ...turn, status: { type: 'waiting', comment: piece.text } } : turn;
  }
  if (piece.text === '[DONE]') return finish(turn);
  const json = parseJson(piece.text);
  const failure = readFailure(json, null);
  if (failure !== undefined) return fail(turn, failure);
  const chunk = chunkSchema.safeParse(json);
  return chunk.success ? addChunk(turn, chunk.data, piece.atMs) : turn;
}

function addChunk(turn: AnswerTurn, chunk: z.infer<typeof chunkSchema>, atMs: number): AnswerTurn {
  const [choice] = chunk.choices ?? [];
  const text = choice?.delta?.content ?? '';
  const reasoning = choice?.delta?.reasoning_content ?? '';
  const hasText = text !== '' || reasoning !== '';
  const isCutOff = choice?.finish_reason === 'length';
  return {
    ...turn,
    text: turn.text + text,
    reasoning: turn.reasoning + reasoning,
    status: isCutOff
      ? { type: 'stopped', reason: 'length' }
      : turn.status.type === 'waiting'
        ? { type: 'streaming' }
        : turn.status,
    firstTokenAtMs: turn.firstTokenAtMs ?? (hasText ? atMs : undefined),
    lastTokenAtMs: hasText ? atMs : turn.lastTokenAtMs,
    pieceCount: turn.pieceCount + (hasText ? 1 : 0),
    usage: addUsage(turn.usage, chunk),
  };
}

/** Counts and speed come in one piece or in several, in any order. */
function addUsage(
  before: AnswerUsage | undefined,
  { usage, timings }: z.infer<typeof chunkSchema>,
): AnswerUsage | undefined {
  if ((usage === null || usage === undefined) && (timings === null || timings === undefined)) return before;
  return {
    promptTokens: usage?.prompt_tokens ?? before?.promptTokens ?? timings?.prompt_n,
    answerTokens: usage?.completion_tokens ?? before?.answerTokens ?? timings?.predicted_n,
    tokensPerSecond: timings?.predicted_per_second ?? before?.tokensPerSecond,
  };
}

/** The turn when the stream has ended. */
export function finish(turn: AnswerTurn): AnswerTurn {
  const { type } = turn.status;
  return type === 'waiting' || type === 'streaming' ? { ...turn, status: { type: 'done' } } : turn;
}

/** The stream broke off without its end: what came stays, and it is said. */
export function breakOff(turn: AnswerTurn): AnswerTurn {
  const { type } = turn.status;
  if (type !== 'waiting' && type !== 'streaming') return turn;
  return fail(turn, { status: null, code: null, message: 'The answer broke off before its end.' });
}

export function stop(turn: AnswerTurn): AnswerTurn {
  const { type } = turn.status;
  return type === 'waiting' || type === 'streaming' ? { ...turn, status: { type: 'stopped', reason: 'user' } } : turn;
}

export function fail(turn: AnswerTurn, failure: ChatFailure): AnswerTurn {
  return { ...turn, status: { type: 'failed', failure } };
}

/** The failure a body tells of, in the API's own words; undefined if it tells of none. */
export function readFailure(body: unknown, status: number | null): ChatFailure | undefined {
  const parsed = errorSchema.safeParse(body);
  return parsed.success ? { status, code: parsed.data.error.code, message: parsed.data.error.message } : undefined;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON: skipped, or reported, by whoever looks at it.
  }
}
