import { describe, expect, it } from 'vitest';
import { jsonEnvelope, textEnvelope } from '../../../electron/engine/dialects/error-envelope.ts';
import { errorAnswer, errorBody, errorEvent, refusalEvent } from '../../../electron/engine/proxy/error-bodies.ts';
import { AppError, errorCodes, errorStatus, type ErrorCode } from '../../../shared/contract/errors.ts';

const error = (code: ErrorCode, message = 'What failed.') => new AppError(code, message);

describe('errorBody', () => {
  it.each(errorCodes)('has the shape of the OpenAI API for %s, marked as Corral’s', (code) => {
    expect(errorBody(error(code), 'openai')).toEqual({
      error: {
        message: 'What failed.',
        type: expect.stringMatching(/^[a-z_]+$/) as string,
        param: ['model-missing', 'not-found'].includes(code) ? 'model' : null,
        code: expect.stringMatching(/^[a-z_]+$/) as string,
        source: 'corral',
      },
    });
  });

  it.each([
    ['not-found', 'model_not_found'],
    ['unauthorized', 'invalid_api_key'],
    ['queue-full', 'rate_limit_exceeded'],
    ['start-failed', 'start_failed'],
  ] as const)('calls %s %s, as clients expect', (code, name) => {
    expect(errorBody(error(code), 'openai')).toMatchObject({ error: { code: name } });
  });

  it.each([
    ['invalid-request', 'invalid_request_error'],
    ['unauthorized', 'authentication_error'],
    ['forbidden', 'permission_error'],
    ['not-found', 'not_found_error'],
    ['too-large', 'request_too_large'],
    ['queue-full', 'rate_limit_error'],
    ['no-room', 'overloaded_error'],
    ['upstream-unavailable', 'api_error'],
    ['internal', 'api_error'],
  ] as const)('has the shape of the Anthropic API: %s is %s', (code, type) => {
    expect(errorBody(error(code), 'anthropic')).toEqual({
      type: 'error',
      error: { type, message: 'What failed.', source: 'corral' },
    });
  });

  it('gives every code a status of an error', () => {
    for (const code of errorCodes) expect(errorStatus(code)).toBeGreaterThanOrEqual(400);
  });

  it('carries details', () => {
    const detailed = new AppError('start-failed', 'x', { details: { exitCode: 7 } });
    expect(errorBody(detailed, 'openai')).toMatchObject({ error: { details: { exitCode: 7 } } });
  });
});

describe('refusalEvent', () => {
  const dataOf = (event: string): unknown => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '');

  it.each([
    [
      'llama-server',
      400,
      {
        error: {
          code: 400,
          message: 'the request exceeds the context size',
          type: 'exceed_context_size_error',
          n_ctx: 64,
        },
      },
      {
        code: 400,
        message: 'the request exceeds the context size',
        type: 'exceed_context_size_error',
        n_ctx: 64,
        param: null,
        status: 400,
      },
    ],
    [
      'vLLM of old',
      404,
      { object: 'error', message: 'no such model', type: 'NotFoundError' },
      { message: 'no such model', type: 'invalid_request_error', param: null, code: null, status: 404 },
    ],
    [
      'FastAPI',
      500,
      { detail: 'boom' },
      { message: 'boom', type: 'server_error', param: null, code: null, status: 500 },
    ],
    [
      'a server with an error of one word',
      429,
      { error: 'busy' },
      { message: 'busy', type: 'rate_limit_error', param: null, code: null, status: 429 },
    ],
  ])('keeps the words of %s', (_who, status, body, expected) => {
    const event = refusalEvent(status, JSON.stringify(body, undefined, 2), 'openai');
    expect(dataOf(event)).toEqual({ error: expected });
    expect(event.split('\n')).toHaveLength(3);
  });

  it.each([
    ['  Bad Gateway\ndata: forged\n\n', 'Bad Gateway\ndata: forged'],
    ['', "The model's server answered with status 502."],
    ['[1]', '[1]'],
    ['null', 'null'],
  ])('takes %j for plain text, in one event', (text, message) => {
    const event = refusalEvent(502, text, 'openai');
    expect(dataOf(event)).toMatchObject({ error: { message, status: 502, type: 'server_error' } });
    expect(event.match(/^data: /gm)).toHaveLength(1);
    expect(event.endsWith('\n\n')).toBe(true);
  });

  it('has the shape of the Anthropic API, with a type that its clients know', () => {
    const llama = refusalEvent(
      400,
      '{"error":{"code":400,"message":"no","type":"exceed_context_size_error"}}',
      'anthropic',
    );
    expect(llama.startsWith('event: error\n')).toBe(true);
    expect(dataOf(llama)).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: 'no', status: 400 },
    });
    const own = refusalEvent(529, '{"type":"error","error":{"type":"overloaded_error","message":"full"}}', 'anthropic');
    expect(dataOf(own)).toEqual({ type: 'error', error: { type: 'overloaded_error', message: 'full', status: 529 } });
  });
});

describe('errorEvent', () => {
  it('is one event, whatever the message holds', () => {
    const nasty = error('upstream-unavailable', 'line one\nline two\r\n\r\ndata: forged');
    for (const family of ['openai', 'anthropic'] as const) {
      const event = errorEvent(nasty, family);
      const lines = event.split(/\r\n|\r|\n/);
      expect(lines.filter((line) => line.startsWith('data: '))).toHaveLength(1);
      expect(event.endsWith('\n\n')).toBe(true);
      expect(JSON.parse((lines.find((line) => line.startsWith('data: ')) ?? '').slice(6))).toEqual(
        errorBody(nasty, family),
      );
    }
    expect(errorEvent(nasty, 'anthropic').startsWith('event: error\n')).toBe(true);
  });
});

describe('the errors of a dialect', () => {
  it.each([
    ['unknown-route', 404, { notFound: true }],
    ['method-not-allowed', 404, { notFound: true }],
    ['not-found', 500, { error: 'What failed.' }],
    ['start-failed', 500, { error: 'What failed.' }],
    ['unauthorized', 401, { error: 'What failed.' }],
    ['too-large', 413, { error: 'What failed.' }],
    ['queue-full', 429, { error: 'What failed.' }],
  ] as const)('%s is %i in its own shape', (code, status, body) => {
    const answer = errorAnswer(error(code), 'llama_cpp_router');
    expect(answer).toMatchObject({ status, headers: { 'x-corral-error': code } });
    expect(JSON.parse(answer.body)).toEqual(body);
  });

  it('keeps what goes beside the body', () => {
    const full = new AppError('queue-full', 'Full.', { retryAfterSeconds: 7 });
    expect(errorAnswer(full, 'llama_cpp_router').headers).toMatchObject({ 'retry-after': '7' });
    expect(errorAnswer(error('unauthorized'), 'llama_cpp_router').headers).toMatchObject({
      'www-authenticate': 'Bearer',
    });
  });

  it('tells of them in a stream, also of what a model’s server refuses', () => {
    expect(errorEvent(error('start-failed'), 'llama_cpp_router')).toBe('data: {"error":"What failed."}\n\n');
    const refused = refusalEvent(400, '{"error":{"message":"Too long."}}', 'llama_cpp_router');
    expect(refused).toBe('data: {"error":"Too long."}\n\n');
  });

  it('may be plain text, which a stream of events has as JSON', () => {
    const told = { code: 'not-found' as const, status: 404, message: 'Gone.', details: undefined };
    const text = textEnvelope(
      ({ message }) => `no: ${message}`,
      () => 400,
    );
    expect(text.answer(told)).toEqual({ status: 400, contentType: 'text/plain; charset=utf-8', body: 'no: Gone.' });
    expect(text.event(told)).toBe('data: {"error":{"message":"no: Gone."}}\n\n');
    expect(textEnvelope().answer(told)).toMatchObject({ status: 404, body: 'Gone.' });
    expect(jsonEnvelope(({ status }) => ({ status })).answer(told)).toMatchObject({
      status: 404,
      body: '{"status":404}',
    });
  });
});
