import { AppError } from '#shared/contract/errors.ts';
import { imageParts, isObject, listField, textField, type JsonObject } from './request-fields.ts';

/** A tool call that no answer has come for yet. */
interface OpenCall {
  readonly id: string;
  readonly name: string;
}

/**
 * Ollama's messages in OpenAI's words. Pure. Ollama's tool calls need no ids, and their answers name the tool or stand in
 * the order of the calls: ids are made up where there are none, and given to the answers. Throws `invalid-request`.
 */
export function translateMessages(messages: readonly unknown[]): readonly JsonObject[] {
  let openCalls: OpenCall[] = [];
  let madeUp = 0;

  function translateCall(call: unknown, index: number): JsonObject {
    const called = isObject(call) ? call['function'] : undefined;
    if (!isObject(called) || typeof called['name'] !== 'string') {
      throw new AppError('invalid-request', `tool call ${index + 1} of a message names no function`);
    }
    const { name } = called;
    const own = isObject(call) ? call['id'] : undefined;
    const id = typeof own === 'string' && own !== '' ? own : `call_${(madeUp += 1)}`;
    openCalls.push({ id, name });
    const given = called['arguments'];
    // OpenAI has them as text.
    const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
    return { id, type: 'function', function: { name, arguments: text } };
  }

  function answeredCall(message: JsonObject): string {
    const own = textField(message, 'tool_call_id');
    const name = textField(message, 'tool_name') || textField(message, 'name');
    const call = openCalls.find(({ id }) => id === own) ?? openCalls.find((each) => each.name === name) ?? openCalls[0];
    openCalls = openCalls.filter((each) => each !== call);
    return own || (call?.id ?? `call_${(madeUp += 1)}`);
  }

  return messages.map((message, index) => {
    if (!isObject(message)) throw new AppError('invalid-request', `message ${index + 1} is not an object`);
    const role = textField(message, 'role');
    if (role === '') throw new AppError('invalid-request', `message ${index + 1} has no role`);
    const content = textField(message, 'content');
    if (role === 'tool') return { role, content, tool_call_id: answeredCall(message) };
    const images = imageParts(listField(message, 'images'));
    const calls = listField(message, 'tool_calls').map(translateCall);
    const thoughts = textField(message, 'thinking');
    const text = content === '' && images.length > 0 ? [] : [{ type: 'text', text: content }];
    return {
      role,
      content: images.length === 0 ? content : [...text, ...images],
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
      ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
    };
  });
}
