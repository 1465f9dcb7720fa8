import { describe, expect, it } from 'vitest';
import { translateMessages } from '../../../electron/engine/ollama/chat-messages.ts';

const call = (name: string, args: unknown, id?: string): unknown => ({
  ...(id === undefined ? {} : { id }),
  function: { name, arguments: args },
});

describe('translateMessages', () => {
  it('leaves plain messages as they are', () => {
    const messages = [
      { role: 'system', content: 'Be short' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi' },
    ];
    expect(translateMessages(messages)).toEqual(messages);
  });

  it('makes parts of a message with pictures, with their types', () => {
    const [message] = translateMessages([
      { role: 'user', content: 'What is it?', images: ['iVBORw0KGgo=', '/9j/4AAQ', 'data:image/gif;base64,R0lGODlh'] },
    ]);
    expect(message).toEqual({
      role: 'user',
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/4AAQ' } },
        { type: 'image_url', image_url: { url: 'data:image/gif;base64,R0lGODlh' } },
      ],
    });
  });

  it('writes the arguments of tool calls as text, and gives answers the ids of their calls', () => {
    const messages = translateMessages([
      { role: 'assistant', content: '', tool_calls: [call('time', {}), call('weather', { city: 'Paris' })] },
      { role: 'tool', tool_name: 'weather', content: '11' },
      { role: 'tool', content: 'noon' },
    ]);
    expect(messages).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'time', arguments: '{}' } },
          { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
        ],
      },
      { role: 'tool', content: '11', tool_call_id: 'call_2' },
      { role: 'tool', content: 'noon', tool_call_id: 'call_1' },
    ]);
  });

  it('keeps ids that there are, and answers two calls of one tool in their order', () => {
    const messages = translateMessages([
      { role: 'assistant', tool_calls: [call('t', {}, 'a'), call('t', {}, 'b'), call('u', {}, 'c')] },
      { role: 'tool', tool_name: 't', content: '1' },
      { role: 'tool', tool_call_id: 'c', content: '3' },
      { role: 'tool', tool_name: 't', content: '2' },
      { role: 'tool', content: 'of nothing' },
    ]);
    expect(messages.slice(1).map((message) => message['tool_call_id'])).toEqual(['a', 'c', 'b', 'call_1']);
  });

  it('keeps thoughts apart', () => {
    const [message] = translateMessages([{ role: 'assistant', content: 'Hi', thinking: 'A greeting.' }]);
    expect(message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'A greeting.' });
  });

  it.each<[string, unknown]>([
    ['message 1 is not an object', 'Hello'],
    ['message 1 has no role', { content: 'Hello' }],
    ['"content" must be a string', { role: 'user', content: [{ type: 'text' }] }],
    ['images must be base64 texts', { role: 'user', content: '', images: ['http://10.0.0.1/a.png'] }],
    ['images must be base64 texts', { role: 'user', content: '', images: [7] }],
    ['tool call 1 of a message names no function', { role: 'assistant', tool_calls: [{}] }],
  ])('refuses: %s', (problem, message) => {
    expect(() => translateMessages([message])).toThrow(
      expect.objectContaining({ code: 'invalid-request', message: problem }),
    );
  });
});
