import { AppError } from '#shared/contract/errors.ts';
import type { Translate } from '../proxy/translation.ts';
import { readChatPiece, readNativePiece, readTextPiece, type ReadPiece } from './answer-pieces.ts';
import { chatFormat, logprobParameters, residency, streamParameters } from './chat-request.ts';
import { createCompletionAnswer, type Said } from './completion-answer.ts';
import { parseKeepAlive } from './keep-alive.ts';
import {
  flagField,
  formatSchema,
  imageParts,
  listField,
  textField,
  thinking,
  type JsonObject,
} from './request-fields.ts';
import { translateOptions } from './sampling-options.ts';

/**
 * `POST /api/generate`: a chat of one message, since Ollama puts the prompt into the model's template; with `raw` a
 * completion of the prompt as it is; with a suffix an infill. Without a prompt it only loads the model, or unloads it.
 */
export const translateGenerate: Translate = (request, { model, asked }) => {
  const keepAliveMs = parseKeepAlive(request['keep_alive']);
  const isStreaming = flagField(request, 'stream') ?? true;
  const prompt = textField(request, 'prompt');
  if (prompt === '' && textField(request, 'suffix') === '' && listField(request, 'images').length === 0) {
    return residency({ asked, isStreaming, keepAliveMs, write: writeGenerate });
  }
  const options = translateOptions(request['options']);
  const thoughts = thinking(request);
  const { path, body, read } = findForm(request, prompt);
  return {
    kind: 'forward',
    isStreaming,
    keepAliveMs,
    path,
    body: { model, ...body, ...options.parameters, ...streamParameters(isStreaming) },
    createAnswer: (facts) =>
      createCompletionAnswer(
        {
          asked,
          isStreaming,
          isThinkingHidden: thoughts.isHidden,
          ignored: options.ignored,
          read,
          write: writeGenerate,
        },
        facts,
      ),
  };
};

function findForm(request: JsonObject, prompt: string): { path: string; body: JsonObject; read: ReadPiece } {
  const suffix = textField(request, 'suffix');
  const system = textField(request, 'system');
  const hasTemplate = textField(request, 'template') !== '';
  const images = listField(request, 'images');
  if (flagField(request, 'raw') === true) {
    if (hasTemplate || system !== '' || images.length > 0 || listField(request, 'context').length > 0) {
      throw new AppError('invalid-request', 'raw mode does not support template, system, context, or images');
    }
  } else if (hasTemplate) {
    throw new AppError(
      'invalid-request',
      'template is not supported: the model’s own template is used. Send the prompt as the model shall see it with "raw": true.',
    );
  }
  if (suffix !== '') {
    if (images.length > 0) throw new AppError('invalid-request', 'suffix does not support images');
    const body = { input_prefix: prompt, input_suffix: suffix, ...textFormat(request) };
    return { path: '/infill', body, read: readNativePiece };
  }
  if (flagField(request, 'raw') === true) {
    const { logprobs, top_logprobs: top } = logprobParameters(request);
    const body = { prompt, ...textFormat(request), ...(logprobs === undefined ? {} : { logprobs: top ?? 1 }) };
    return { path: '/v1/completions', body, read: readTextPiece };
  }
  const parts = imageParts(images);
  const content = parts.length === 0 ? prompt : [...(prompt === '' ? [] : [{ type: 'text', text: prompt }]), ...parts];
  const messages = [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content }];
  const body = { messages, ...chatFormat(request), ...thinking(request).parameters, ...logprobParameters(request) };
  return { path: '/v1/chat/completions', body, read: readChatPiece };
}

/** Outside of chats llama-server takes a schema by a name of its own. */
function textFormat(request: JsonObject): JsonObject {
  const schema = formatSchema(request);
  if (schema === undefined) return {};
  return { json_schema: schema === 'any-object' ? { type: 'object' } : schema };
}

function writeGenerate({ text, thinking: thoughts }: Said): JsonObject {
  return { response: text, ...(thoughts === '' ? {} : { thinking: thoughts }) };
}
