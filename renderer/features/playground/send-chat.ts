import { readEventStream } from '#shared/contract/read-event-stream.ts';
import type { ChatFailure } from './conversation.ts';
import { parseJson, readFailure, type StreamPiece } from './read-answer.ts';

/** A request that got no stream; `failure` is in the API's own words where it had any. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly failure: ChatFailure;

  constructor(failure: ChatFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Sends to the public API at the page's own origin, as any chat program would. Throws a `ChatError`, or what `signal` was aborted with. */
export async function* sendChat(
  body: Record<string, unknown>,
  { key, signal }: { readonly key: string | undefined; readonly signal: AbortSignal },
): AsyncGenerator<StreamPiece> {
  const response = await request(body, key, signal);
  if (!response.ok || response.body === null) throw new ChatError(await explain(response));
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
    throw new ChatError(await explain(response));
  }
  for await (const { type, text } of readEventStream(response.body)) {
    yield type === 'comment' ? { type, text } : { type, text, atMs: performance.now() };
  }
}

async function request(body: unknown, key: string | undefined, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
      signal,
    });
  } catch (thrown) {
    signal.throwIfAborted();
    const cause = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ChatError({ status: null, code: null, message: `Corral does not answer (${cause}). Is it running?` });
  }
}

async function explain(response: Response): Promise<ChatFailure> {
  const text = await response.text();
  return (
    readFailure(parseJson(text), response.status) ?? {
      status: response.status,
      code: null,
      message: `The model's server answered ${response.status} with something that is no chat: ${text.slice(0, 300)}`,
    }
  );
}
