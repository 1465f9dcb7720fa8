/** A conversation as it is kept here and sent to a model. Pure. */

export interface ChatImage {
  /** A data URL. */
  readonly url: string;
  readonly name: string;
}

export interface UserTurn {
  readonly id: number;
  readonly role: 'user';
  readonly text: string;
  readonly images: readonly ChatImage[];
}

export type AnswerStatus =
  /** Sent; nothing has come yet. `comment` is what Corral said of the wait. */
  | { readonly type: 'waiting'; readonly comment: string | undefined }
  | { readonly type: 'streaming' }
  | { readonly type: 'done' }
  /** Ended by the user, or cut off because the limit of tokens was reached. */
  | { readonly type: 'stopped'; readonly reason: 'user' | 'length' }
  | { readonly type: 'failed'; readonly failure: ChatFailure };

export interface ChatFailure {
  /** Null if no answer came at all. */
  readonly status: number | null;
  /** The API's own word, such as `model_not_found`. */
  readonly code: string | null;
  readonly message: string;
}

export interface AnswerTurn {
  readonly id: number;
  readonly role: 'assistant';
  readonly model: string;
  readonly text: string;
  readonly reasoning: string;
  readonly status: AnswerStatus;
  /** By the monotonic clock of the page. */
  readonly sentAtMs: number;
  readonly firstTokenAtMs: number | undefined;
  readonly lastTokenAtMs: number | undefined;
  /** Pieces that came; about as many tokens. */
  readonly pieceCount: number;
  readonly usage: AnswerUsage | undefined;
}

/** What the model's server says it has done. */
export interface AnswerUsage {
  readonly promptTokens: number | undefined;
  readonly answerTokens: number | undefined;
  readonly tokensPerSecond: number | undefined;
}

export type Turn = UserTurn | AnswerTurn;

export interface ChatSettings {
  readonly systemPrompt: string;
  /** As typed; empty: the model's own. */
  readonly temperature: string;
  readonly topP: string;
  readonly maxTokens: string;
}

/** The body of `POST /v1/chat/completions` for what was said so far. Answers that failed are left out. */
export function chatRequestBody(
  model: string,
  turns: readonly Turn[],
  settings: ChatSettings,
): Record<string, unknown> {
  const system = settings.systemPrompt.trim() === '' ? [] : [{ role: 'system', content: settings.systemPrompt }];
  const said = turns.flatMap((turn) => {
    if (turn.role === 'user') return [{ role: 'user', content: userContent(turn) }];
    return turn.text === '' ? [] : [{ role: 'assistant', content: turn.text }];
  });
  return {
    model,
    messages: [...system, ...said],
    stream: true,
    stream_options: { include_usage: true },
    ...numberField('temperature', settings.temperature),
    ...numberField('top_p', settings.topP),
    ...numberField('max_tokens', settings.maxTokens),
  };
}

function userContent({ text, images }: UserTurn): unknown {
  if (images.length === 0) return text;
  const parts = images.map(({ url }) => ({ type: 'image_url', image_url: { url } }));
  return text === '' ? parts : [{ type: 'text', text }, ...parts];
}

function numberField(name: string, typed: string): Record<string, number> {
  const value = Number(typed.trim());
  return typed.trim() === '' || !Number.isFinite(value) ? {} : { [name]: value };
}

/** What is wrong with a parameter as typed; undefined if nothing is. */
export function parameterProblem(name: 'temperature' | 'topP' | 'maxTokens', typed: string): string | undefined {
  if (typed.trim() === '') return undefined;
  const value = Number(typed.trim());
  const { min, max, isWhole, hint } = limits[name];
  const isFine = Number.isFinite(value) && value >= min && value <= max && (!isWhole || Number.isInteger(value));
  return isFine ? undefined : hint;
}

const limits = {
  temperature: { min: 0, max: 5, isWhole: false, hint: 'A number from 0 to 5.' },
  topP: { min: 0, max: 1, isWhole: false, hint: 'A number from 0 to 1.' },
  maxTokens: { min: 1, max: 10_000_000, isWhole: true, hint: 'A whole number from 1.' },
} as const;

/** The turns before the answer that is to be made anew, up to what it answers. */
export function beforeAnswer(turns: readonly Turn[], answerId: number): readonly Turn[] {
  const at = turns.findIndex(({ id }) => id === answerId);
  return at < 0 ? turns : turns.slice(0, at);
}

/** The last thing the user said, and what came before it: to be changed and sent again. */
export function takeLastUserTurn(
  turns: readonly Turn[],
): { readonly turn: UserTurn; readonly before: readonly Turn[] } | undefined {
  const at = turns.findLastIndex(({ role }) => role === 'user');
  const turn = turns[at];
  return turn?.role === 'user' ? { turn, before: turns.slice(0, at) } : undefined;
}

export function isRunning(turn: Turn | undefined): boolean {
  return turn?.role === 'assistant' && (turn.status.type === 'waiting' || turn.status.type === 'streaming');
}
