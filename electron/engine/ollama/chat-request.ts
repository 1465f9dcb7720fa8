import type { Translate, TranslatedRequest } from '../proxy/translation.ts';
import { readChatPiece } from './answer-pieces.ts';
import { translateMessages } from './chat-messages.ts';
import { createCompletionAnswer, type Said } from './completion-answer.ts';
import { parseKeepAlive } from './keep-alive.ts';
import { flagField, formatSchema, listField, thinking, type JsonObject } from './request-fields.ts';
import { translateOptions } from './sampling-options.ts';

/** `POST /api/chat` as a chat completion. Without messages it only loads the model, or unloads it. */
export const translateChat: Translate = (request, { model, asked }) => {
  const keepAliveMs = parseKeepAlive(request['keep_alive']);
  const isStreaming = flagField(request, 'stream') ?? true;
  const messages = listField(request, 'messages');
  if (messages.length === 0) return residency({ asked, isStreaming, keepAliveMs, write: writeChat });
  const options = translateOptions(request['options']);
  const tools = listField(request, 'tools');
  const thoughts = thinking(request);
  return {
    kind: 'forward',
    isStreaming,
    keepAliveMs,
    path: '/v1/chat/completions',
    body: {
      model,
      messages: translateMessages(messages),
      ...(tools.length === 0 ? {} : { tools }),
      ...chatFormat(request),
      ...thoughts.parameters,
      ...options.parameters,
      ...logprobParameters(request),
      ...streamParameters(isStreaming),
    },
    createAnswer: (facts) =>
      createCompletionAnswer(
        {
          asked,
          isStreaming,
          isThinkingHidden: thoughts.isHidden,
          ignored: options.ignored,
          read: readChatPiece,
          write: writeChat,
        },
        facts,
      ),
  };
};

function writeChat({ text, thinking: thoughts, toolCalls }: Said): JsonObject {
  return {
    message: {
      role: 'assistant',
      content: text,
      ...(thoughts === '' ? {} : { thinking: thoughts }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    },
  };
}

/** A request that says nothing: the model is to be there, or with `keep_alive: 0` to go. */
export function residency({
  asked,
  isStreaming,
  keepAliveMs,
  write,
}: {
  readonly asked: string;
  readonly isStreaming: boolean;
  readonly keepAliveMs: number | undefined;
  readonly write: (said: Said) => JsonObject;
}): TranslatedRequest {
  const kind = keepAliveMs === 0 ? 'unload' : 'load';
  return {
    kind,
    isStreaming,
    keepAliveMs,
    answer: ({ wallMs }) => ({
      model: asked,
      created_at: new Date(wallMs()).toISOString(),
      ...write({ text: '', thinking: '', toolCalls: [] }),
      done: true,
      done_reason: kind,
    }),
  };
}

export function chatFormat(request: JsonObject): JsonObject {
  const schema = formatSchema(request);
  if (schema === undefined) return {};
  if (schema === 'any-object') return { response_format: { type: 'json_object' } };
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } };
}

/** The last event tells what the answer cost only where that is asked for. */
export function streamParameters(isStreaming: boolean): JsonObject {
  return isStreaming ? { stream: true, stream_options: { include_usage: true } } : { stream: false };
}

export function logprobParameters(request: JsonObject): JsonObject {
  if (flagField(request, 'logprobs') !== true) return {};
  const top = request['top_logprobs'];
  return { logprobs: true, ...(typeof top === 'number' && top > 0 ? { top_logprobs: top } : {}) };
}
