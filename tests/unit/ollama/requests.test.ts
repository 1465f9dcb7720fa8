import { describe, expect, it } from 'vitest';
import { translateChat } from '../../../electron/engine/ollama/chat-request.ts';
import { translateEmbed, translateEmbeddings } from '../../../electron/engine/ollama/embed-request.ts';
import { translateGenerate } from '../../../electron/engine/ollama/generate-request.ts';
import type { ForwardedTranslation, Translate } from '../../../electron/engine/proxy/translation.ts';

const names = { model: 'a', asked: 'a:latest' };
const facts = { loadWaitMs: 2, elapsedMs: () => 5, wallMs: () => 0 };

function forwarded(translate: Translate, request: Record<string, unknown>): ForwardedTranslation {
  const translated = translate(request, names);
  if (translated.kind !== 'forward') throw new Error(`it is a ${translated.kind}`);
  return translated;
}

function resident(translate: Translate, request: Record<string, unknown>): { kind: string; answer: unknown } {
  const translated = translate(request, names);
  if (translated.kind === 'forward') throw new Error('it is forwarded');
  return { kind: translated.kind, answer: translated.answer(facts) };
}

const messages = [{ role: 'user', content: 'Hello' }];

describe('a chat', () => {
  it('streams unless it is told not to, and asks for the cost then', () => {
    expect(forwarded(translateChat, { messages })).toMatchObject({
      path: '/v1/chat/completions',
      isStreaming: true,
      keepAliveMs: undefined,
      body: { model: 'a', messages, stream: true, stream_options: { include_usage: true } },
    });
    const whole = forwarded(translateChat, { messages, stream: false });
    expect(whole).toMatchObject({ isStreaming: false, body: { stream: false } });
    expect(whole.body).not.toHaveProperty('stream_options');
  });

  it('passes tools, options, and how long to stay', () => {
    const tools = [{ type: 'function', function: { name: 't' } }];
    const { body, keepAliveMs } = forwarded(translateChat, {
      messages,
      tools,
      options: { num_predict: 7, num_ctx: 1 },
      keep_alive: '1m',
      logprobs: true,
      top_logprobs: 3,
    });
    expect(body).toMatchObject({ tools, max_tokens: 7, logprobs: true, top_logprobs: 3 });
    expect(body).not.toHaveProperty('num_ctx');
    expect(keepAliveMs).toBe(60_000);
  });

  const schema = { type: 'object', properties: {} };
  it.each<[unknown, unknown]>([
    ['json', { type: 'json_object' }],
    [schema, { type: 'json_schema', json_schema: { name: 'answer', schema } }],
    ['', undefined],
    [null, undefined],
  ])('asks for the format %j', (format, expected) => {
    expect(forwarded(translateChat, { messages, format }).body['response_format']).toEqual(expected);
  });

  it.each<[unknown, unknown]>([
    [true, { enable_thinking: true, thinking: true }],
    [false, { enable_thinking: false, thinking: false }],
    ['high', { enable_thinking: true, thinking: true, reasoning_effort: 'high' }],
    [undefined, undefined],
  ])('tells the template about thinking: %j', (think, expected) => {
    expect(forwarded(translateChat, { messages, think }).body['chat_template_kwargs']).toEqual(expected);
  });

  it('without messages only loads, or unloads', () => {
    const common = { model: 'a:latest', created_at: '1970-01-01T00:00:00.000Z', done: true };
    const message = { role: 'assistant', content: '' };
    expect(resident(translateChat, {})).toEqual({ kind: 'load', answer: { ...common, message, done_reason: 'load' } });
    expect(resident(translateChat, { messages: [], keep_alive: 0 })).toEqual({
      kind: 'unload',
      answer: { ...common, message, done_reason: 'unload' },
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['invalid format: "xml"; expected "json" or a valid JSON Schema object', { messages, format: 'xml' }],
    ['invalid think value: "much" (must be "high", "medium", "low", true, or false)', { messages, think: 'much' }],
    ['"messages" must be an array', { messages: 'x' }],
    ['"stream" must be true or false', { messages, stream: 'no' }],
  ])('refuses: %s', (message, request) => {
    expect(() => translateChat(request, names)).toThrow(expect.objectContaining({ code: 'invalid-request', message }));
  });
});

describe('a generation', () => {
  it('is a chat of one message, since the prompt goes into the template', () => {
    const { path, body } = forwarded(translateGenerate, { prompt: 'Hello', system: 'Be short', think: false });
    expect(path).toBe('/v1/chat/completions');
    expect(body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be short' },
        { role: 'user', content: 'Hello' },
      ],
      chat_template_kwargs: { enable_thinking: false },
    });
    const pictured = forwarded(translateGenerate, { prompt: 'What?', images: ['iVBORw0KGgo='] });
    expect(pictured.body).toMatchObject({
      messages: [{ role: 'user', content: [{ text: 'What?' }, { type: 'image_url' }] }],
    });
  });

  it('is a completion of the prompt as it is, with raw', () => {
    const { path, body } = forwarded(translateGenerate, {
      prompt: '[INST] x [/INST]',
      raw: true,
      format: 'json',
      logprobs: true,
    });
    expect(path).toBe('/v1/completions');
    expect(body).toMatchObject({ prompt: '[INST] x [/INST]', json_schema: { type: 'object' }, logprobs: 1 });
    expect(body).not.toHaveProperty('messages');
  });

  it('is an infill, with a suffix', () => {
    const { path, body } = forwarded(translateGenerate, { prompt: 'def a', suffix: 'return b' });
    expect(path).toBe('/infill');
    expect(body).toMatchObject({ input_prefix: 'def a', input_suffix: 'return b' });
  });

  it('without a prompt only loads, or unloads', () => {
    expect(resident(translateGenerate, { keep_alive: '5m' })).toMatchObject({
      kind: 'load',
      answer: { response: '', done: true, done_reason: 'load' },
    });
    expect(resident(translateGenerate, { prompt: '', keep_alive: 0 })).toMatchObject({
      kind: 'unload',
      answer: { response: '', done_reason: 'unload' },
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['raw mode does not support template, system, context, or images', { prompt: 'x', raw: true, system: 'y' }],
    ['raw mode does not support template, system, context, or images', { prompt: 'x', raw: true, context: [1] }],
    ['template is not supported', { prompt: 'x', template: '{{ .Prompt }}' }],
    ['suffix does not support images', { prompt: 'x', suffix: 'y', images: ['iVBORw0KGgo='] }],
  ])('refuses: %s', (message, request) => {
    expect(() => translateGenerate(request, names)).toThrow(
      expect.objectContaining({ code: 'invalid-request', message: expect.stringContaining(message) as string }),
    );
  });
});

describe('an embedding', () => {
  it.each<[unknown, unknown]>([
    ['one', ['one']],
    [
      ['one', 'two'],
      ['one', 'two'],
    ],
  ])('of %j', (input, expected) => {
    const translated = forwarded(translateEmbed, { input });
    expect(translated).toMatchObject({ path: '/v1/embeddings', isStreaming: false, body: { input: expected } });
    expect(translated.prepare).toBeDefined();
    expect(forwarded(translateEmbed, { input, truncate: false }).prepare).toBeUndefined();
  });

  it('of nothing only loads the model', () => {
    expect(resident(translateEmbed, { input: [] })).toEqual({
      kind: 'load',
      answer: {
        model: 'a:latest',
        embeddings: [],
        total_duration: 5_000_000,
        load_duration: 2_000_000,
        prompt_eval_count: 0,
      },
    });
    expect(resident(translateEmbed, { keep_alive: 0 }).kind).toBe('unload');
    expect(resident(translateEmbeddings, { prompt: '' })).toEqual({ kind: 'load', answer: { embedding: [] } });
  });

  it('of the older form stays as the model made it', () => {
    expect(forwarded(translateEmbeddings, { prompt: 'one' }).body).toMatchObject({
      input: ['one'],
      embd_normalize: -1,
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['invalid input type', { input: [1, 2] }],
    ['invalid input type', { input: { text: 'one' } }],
    ['"dimensions" must be a whole number above 0', { input: 'one', dimensions: -3 }],
  ])('refuses: %s', (message, request) => {
    expect(() => translateEmbed(request, names)).toThrow(
      expect.objectContaining({ code: 'invalid-request', message: expect.stringContaining(message) as string }),
    );
  });
});
