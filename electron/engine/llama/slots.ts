import { z } from 'zod';
import { AppError } from '#shared/contract/errors.ts';
import type { Endpoint } from '../supervisor/endpoint.ts';

/**
 * llama-server's slots, and what they remember of a conversation: listed, saved to files and restored from them
 * (tools/server/README.md in llama.cpp, `GET /slots` and `POST /slots/{id}?action=save|restore`). Answers may hold text of
 * conversations; nothing but numbers is read from them, and errors of the server are passed on by their message alone.
 */

export interface Slot {
  readonly id: number;
  /** What it remembers; undefined for a slot that no request has used since the start, though it may be a restored one. */
  readonly tokens: number | undefined;
  /** Tokens it can hold; undefined in builds that do not say. */
  readonly contextSize: number | undefined;
  /** Rises with each request; 0 for a slot that no request has used. */
  readonly lastTask: number;
  readonly isProcessing: boolean;
}

const slotsSchema = z.array(
  z.object({
    id: z.int().nonnegative(),
    n_ctx: z.int().positive().optional(),
    is_processing: z.boolean().optional(),
    id_task: z.int().optional(),
    n_prompt_tokens: z.int().nonnegative().optional(),
  }),
);
const savedSchema = z.object({ n_saved: z.int().nonnegative(), n_written: z.int().nonnegative() });
const restoredSchema = z.object({ n_restored: z.int().nonnegative() });
const refusalSchema = z.object({ error: z.object({ message: z.string() }) });

const MAX_REFUSAL_CHARACTERS = 300;

/** Throws `upstream-unavailable`, as do the others here. */
export async function listSlots(endpoint: Endpoint, signal: AbortSignal): Promise<Slot[]> {
  const slots = await ask(endpoint, { method: 'GET', path: '/slots', signal, schema: slotsSchema });
  return slots.map((slot) => ({
    id: slot.id,
    tokens: slot.n_prompt_tokens,
    contextSize: slot.n_ctx,
    lastTask: Math.max(0, slot.id_task ?? 0),
    isProcessing: slot.is_processing ?? false,
  }));
}

/** Writes a slot to a file in the server's folder. Its size is 36 bytes and its tokens are 0 if the slot is empty. */
export async function saveSlot(
  endpoint: Endpoint,
  slotId: number,
  fileName: string,
  signal: AbortSignal,
): Promise<{ readonly tokens: number; readonly writtenBytes: number }> {
  const path = `/slots/${slotId}?action=save`;
  const body = { filename: fileName };
  const saved = await ask(endpoint, { method: 'POST', path, body, signal, schema: savedSchema });
  return { tokens: saved.n_saved, writtenBytes: saved.n_written };
}

/** Fills a slot from a file in the server's folder; returns how many tokens it remembers now. */
export async function restoreSlot(
  endpoint: Endpoint,
  slotId: number,
  fileName: string,
  signal: AbortSignal,
): Promise<number> {
  const path = `/slots/${slotId}?action=restore`;
  const body = { filename: fileName };
  return (await ask(endpoint, { method: 'POST', path, body, signal, schema: restoredSchema })).n_restored;
}

async function ask<Answer>(
  endpoint: Endpoint,
  request: {
    method: 'GET' | 'POST';
    path: string;
    body?: unknown;
    signal: AbortSignal;
    schema: z.ZodType<Answer>;
  },
): Promise<Answer> {
  const { method, path, body, signal, schema } = request;
  const response = await endpoint.dispatcher.request({
    origin: endpoint.origin,
    path,
    method,
    headers: {
      ...(endpoint.apiKey === undefined ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  });
  const answer: unknown = parseJson(await response.body.text());
  if (response.statusCode === 200) {
    const understood = schema.safeParse(answer);
    if (understood.success) return understood.data;
    throw new AppError('upstream-unavailable', `llama-server's answer to ${method} /slots is not understood`);
  }
  const refusal = refusalSchema.safeParse(answer);
  const said = refusal.success ? refusal.data.error.message.slice(0, MAX_REFUSAL_CHARACTERS) : '';
  throw new AppError(
    'upstream-unavailable',
    `llama-server answered ${response.statusCode}${said === '' ? '' : `: ${said}`}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // The schema says then what is missing.
  }
}
