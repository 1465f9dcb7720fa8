import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import { delay, type Clock } from '../ports/clock.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { RequestedModel } from './find-model.ts';

/**
 * A stream that a client named with this header goes on when the client goes away, and can be had once more, from its
 * beginning or from a byte (`GET /v1/stream?conv_id=…&from=…`), as long as the process lives (llama.cpp, tools/server).
 */
export const CONVERSATION_HEADER = 'x-conversation-id';

const MAX_CONVERSATIONS = 10_000;
/** Nobody comes back to a stream after so long. */
const MEMORY_MS = 60 * 60_000;
/** Longer than any id that clients make up. */
const MAX_ID_LENGTH = 512;
const LOOK_INTERVAL_MS = 500;
const MAX_LOOKUP_BYTES = 64 * 1024;

export interface Conversations {
  note(lane: string, conversationId: string, modelId: string): void;
  /** The model whose process has a conversation; conversations of other lanes are as if there were none. */
  find(lane: string, conversationId: string): string | undefined;
  /** Whether another lane has one of that id. */
  isOfAnother(lane: string, conversationId: string): boolean;
}

/** Remembers which model's process has which conversation. */
export function createConversations(clock: Clock): Conversations {
  /** In the order of their last use, by id. */
  const owners = new Map<string, { readonly lane: string; readonly modelId: string; readonly untilMs: number }>();

  function look(conversationId: string): { lane: string; modelId: string } | undefined {
    const owner = owners.get(conversationId);
    if (owner === undefined || owner.untilMs > clock.nowMs()) return owner;
    owners.delete(conversationId);
    return undefined;
  }

  return {
    note(lane, conversationId, modelId) {
      if (conversationId.length > MAX_ID_LENGTH) return;
      owners.delete(conversationId);
      owners.set(conversationId, { lane, modelId, untilMs: clock.nowMs() + MEMORY_MS });
      const [oldest] = owners.keys();
      if (owners.size > MAX_CONVERSATIONS && oldest !== undefined) owners.delete(oldest);
    },
    find(lane, conversationId) {
      const owner = look(conversationId);
      return owner?.lane === lane ? owner.modelId : undefined;
    },
    isOfAnother(lane, conversationId) {
      const owner = look(conversationId);
      return owner !== undefined && owner.lane !== lane;
    },
  };
}

/** The id a request gives its stream; undefined for nearly all. */
export function conversationOf(headers: IncomingHttpHeaders): string | undefined {
  const header = headers[CONVERSATION_HEADER];
  return typeof header === 'string' && header !== '' ? header : undefined;
}

/**
 * The model of a request for a stream that began earlier: what `?model=` names, else whose process has the conversation.
 * Throws `invalid-request` without `conv_id`, `not-found` where neither is known.
 */
export function findConversationModel(
  search: string,
  lane: string,
  conversations: Conversations,
): RequestedModel & { readonly conversationId: string } {
  const query = new URLSearchParams(search);
  const conversationId = query.get('conv_id') ?? '';
  if (conversationId === '') throw new AppError('invalid-request', 'Name the conversation in the query: ?conv_id=…');
  const gone = goneConversation(conversationId);
  if (conversations.isOfAnother(lane, conversationId)) throw gone;
  const name = query.get('model') ?? conversations.find(lane, conversationId);
  if (name === undefined || name === '') throw gone;
  return { name, conversationId, isStreaming: false, isJson: false, mayNameMedia: false };
}

export function goneConversation(conversationId: string): AppError {
  return new AppError(
    'not-found',
    `There is no stream of conversation "${conversationId.slice(0, 100)}": it was never begun, or its model was unloaded since.`,
  );
}

/**
 * Resolves once a process has come to the end of a stream whose client went away, or will never tell: until then it has
 * the slot that the lease is for. Never rejects.
 */
export async function waitForConversation(lease: Lease, conversationId: string, clock: Clock): Promise<void> {
  const ended = new AbortController();
  lease.onAborted = (error) => ended.abort(error);
  try {
    while (await isGoingOn(lease, conversationId, ended.signal)) await delay(clock, LOOK_INTERVAL_MS, ended.signal);
  } catch {
    // The model is being unloaded, or its server cannot be asked: either way there is nothing to wait for.
  } finally {
    lease.onAborted = undefined;
  }
}

async function isGoingOn({ endpoint }: Lease, conversationId: string, signal: AbortSignal): Promise<boolean> {
  const { statusCode, body } = await endpoint.dispatcher.request({
    origin: endpoint.origin,
    path: '/v1/streams/lookup',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(endpoint.apiKey === undefined ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
    },
    body: JSON.stringify({ conversation_ids: [conversationId] }),
    signal,
  });
  if (statusCode !== 200) {
    await body.dump({ limit: MAX_LOOKUP_BYTES });
    return false;
  }
  const found: unknown = await body.json();
  return (
    Array.isArray(found) &&
    found.some((each: { conversation_id?: unknown; is_done?: unknown } | null) => {
      return each?.conversation_id === conversationId && each.is_done === false;
    })
  );
}
