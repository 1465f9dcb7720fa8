import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  forwardedRequestHeaders,
  isEventStream,
  returnedHeaders,
} from '../../../electron/engine/proxy/forward-headers.ts';

const forwarded = (
  headers: readonly (readonly [string, string])[],
  own: { apiKey?: string; contentLength?: number; connection?: string } = {},
): string[] =>
  forwardedRequestHeaders(headers.flat(), own.connection, { apiKey: own.apiKey, contentLength: own.contentLength });

describe('forwardedRequestHeaders', () => {
  it('keeps what is the client’s, in its order, spelling and number', () => {
    expect(
      forwarded([
        ['User-Agent', 'client/1'],
        ['X-Twice', 'one'],
        ['ACCEPT', 'text/event-stream'],
        ['x-twice', 'two'],
        ['Content-Type', 'application/json'],
        ['OpenAI-Beta', 'assistants=v2'],
      ]),
    ).toEqual(
      ['User-Agent', 'client/1', 'X-Twice', 'one', 'ACCEPT', 'text/event-stream', 'x-twice', 'two'].concat([
        'Content-Type',
        'application/json',
        'OpenAI-Beta',
        'assistants=v2',
      ]),
    );
  });

  it('asks for an answer that is not compressed where nothing else could be passed on', () => {
    const headers = ['Accept', 'text/event-stream', 'Accept-Encoding', 'gzip'];
    const own = { apiKey: undefined, contentLength: undefined };
    expect(forwardedRequestHeaders(headers, undefined, { ...own, isPlainWanted: true })).toEqual([
      'Accept',
      'text/event-stream',
      'accept-encoding',
      'identity',
    ]);
    expect(forwardedRequestHeaders(headers, undefined, own)).toEqual(headers);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Host',
    'Content-Length',
    'Expect',
    'Authorization',
    'X-Api-Key',
    'Cookie',
    'Origin',
    'Referer',
    'X-Request-Priority',
    'Sec-Fetch-Site',
    'sec-fetch-mode',
  ])('leaves %s out, in any spelling', (name) => {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(
        forwarded([
          [spelling, 'x'],
          ['x-kept', 'y'],
        ]),
      ).toEqual(['x-kept', 'y']);
    }
  });

  it('P9 leaves out what Connection names', () => {
    const headers = [
      ['X-Secret-Hop', '1'],
      ['x-other', '2'],
      ['Accept', '*/*'],
    ] as const;
    expect(forwarded(headers, { connection: 'close, x-secret-hop ,X-OTHER' })).toEqual(['Accept', '*/*']);
  });

  it('adds the key and the length of its own', () => {
    expect(
      forwarded(
        [
          ['Authorization', 'Bearer client'],
          ['Content-Length', '7'],
        ],
        { apiKey: 'child', contentLength: 5 },
      ),
    ).toEqual(['authorization', 'Bearer child', 'content-length', '5']);
  });

  it('never lets a key of the client through, whatever stands around it', () => {
    const name = fc.constantFrom(
      'authorization',
      'x-api-key',
      'Authorization',
      'X-API-KEY',
      'cookie',
      'proxy-authorization',
      'accept',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.constantFrom('canary', 'plain'))), (headers) => {
        const sent = forwarded(headers, { apiKey: 'child' });
        for (let index = 0; index < sent.length; index += 2) {
          if (sent[index + 1] === 'canary') expect(sent[index]).toBe('accept');
        }
      }),
    );
  });
});

describe('returnedHeaders', () => {
  it('keeps the answer’s own, cookies as a list', () => {
    expect(
      returnedHeaders({
        'content-type': 'application/json',
        'content-length': '12',
        'content-encoding': 'br',
        'set-cookie': ['a=1', 'b=2'],
        'x-request-id': '7',
        'retry-after': '3',
      }),
    ).toEqual({
      'content-type': 'application/json',
      'content-length': '12',
      'content-encoding': 'br',
      'set-cookie': ['a=1', 'b=2'],
      'x-request-id': '7',
      'retry-after': '3',
    });
  });

  it('leaves out hop-by-hop headers, what Connection names, the server’s name and its opinion on origins', () => {
    expect(
      returnedHeaders({
        connection: 'close, X-Internal',
        'keep-alive': 'timeout=5',
        'transfer-encoding': 'chunked',
        trailer: 'x',
        upgrade: 'h2c',
        'proxy-authenticate': 'Basic',
        'x-internal': '1',
        server: 'llama.cpp',
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': '*',
        'x-kept': '1',
      }),
    ).toEqual({ 'x-kept': '1' });
  });

  it('asks intermediaries not to hold back event streams, and nothing else', () => {
    expect(returnedHeaders({ 'content-type': 'text/event-stream' })).toMatchObject({ 'x-accel-buffering': 'no' });
    expect(returnedHeaders({ 'content-type': 'Text/Event-Stream; charset=utf-8' })).toMatchObject({
      'x-accel-buffering': 'no',
    });
    expect(returnedHeaders({ 'content-type': 'application/json' })).not.toHaveProperty('x-accel-buffering');
  });
});

describe('isEventStream', () => {
  it.each([
    [undefined, false],
    ['text/event-stream', true],
    ['text/event-stream;charset=UTF-8', true],
    ['application/x-ndjson', false],
    ['application/json; x=text/event-stream', false],
  ])('of %j is %s', (type, expected) => {
    expect(isEventStream(type === undefined ? {} : { 'content-type': type })).toBe(expected);
  });
});
