import fc from 'fast-check';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../electron/engine/ports/clock.ts';
import { forward, type ForwardOptions } from '../../../electron/engine/proxy/forward.ts';
import type { Lease } from '../../../electron/engine/scheduler/lease.ts';
import { openEndpoint } from '../../../electron/engine/supervisor/endpoint.ts';
import { AppError } from '../../../shared/contract/errors.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)));
    socket.on('error', () => undefined); // Broken connections are what these tests are about.
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

async function findClosedPort(): Promise<number> {
  const port = await listen(net.createServer());
  await cleanups.pop()?.();
  return port;
}

interface Upstream {
  readonly port: number;
  readonly requests: string[];
  readonly state: { connections: number; closed: number };
}

/** A server that answers with exactly the bytes it is told to, once a request's head has come. */
async function startUpstream(answer: (socket: Socket, count: number) => unknown): Promise<Upstream> {
  const requests: string[] = [];
  const state = { connections: 0, closed: 0 };
  const server = net.createServer((socket) => {
    state.connections += 1;
    socket.on('close', () => (state.closed += 1));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      requests.push(text);
      text = '';
      void answer(socket, requests.length);
    });
  });
  return { port: await listen(server), requests, state };
}

interface Front {
  readonly port: number;
  readonly lease: Lease & { releasedMs: number | undefined };
  readonly finished: Promise<void>[];
}

/** A server that forwards whatever it is asked to a port. */
async function startFront(
  upstreamPort: number,
  changes: Partial<ForwardOptions> = {},
  prepare: (response: http.ServerResponse) => unknown = () => undefined,
): Promise<Front> {
  const endpoint = openEndpoint({
    listen: { kind: 'tcp', host: '127.0.0.1', port: upstreamPort },
    apiKey: undefined,
    advertisedIdleMs: undefined,
    connectTimeoutMs: 500,
    clock: systemClock,
  });
  cleanups.push(() => endpoint.close());
  const lease: Front['lease'] = {
    requestId: 'r1',
    modelId: 'one',
    endpoint,
    queueWaitMs: 0,
    loadWaitMs: 0,
    onAborted: undefined,
    releasedMs: undefined,
    release: () => undefined,
  };
  const finished: Promise<void>[] = [];
  const server = http.createServer((request, response) => {
    prepare(response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const done = forward({
        request,
        response,
        path: request.url ?? '/',
        body: request.method === 'POST' ? Buffer.concat(chunks) : undefined,
        lease,
        family: 'openai',
        clock: systemClock,
        responseTimeoutMs: 0,
        idleTimeoutMs: 0,
        explainLoss: () => undefined,
        ...changes,
      });
      finished.push(done.then(() => void (lease.releasedMs = performance.now())));
    });
  });
  return { port: await listen(server), lease, finished };
}

const ask = (port: number, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', body: '{"model":"one"}', ...init });

const head = (more = ''): string => `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n${more}\r\n`;
const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const lastChunk = '0\r\n\r\n';

describe('forward', () => {
  it('P11 gives back the very bytes of a stream, however they were split on the way', async () => {
    const text = fc.array(
      fc.oneof(
        fc.string({ unit: 'grapheme' }).map((content) => `data: ${JSON.stringify({ content })}\n\n`),
        fc.constantFrom(
          'data: [DONE]\n\n',
          ': comment\n\n',
          'event: x\r\ndata: y\r\n\r\n',
          '🐎🐎',
          'ä',
          '\r',
          '\n',
          '\0',
        ),
      ),
      { maxLength: 12 },
    );
    let parts: Buffer[] = [];
    const upstream = await startUpstream(async (socket) => {
      socket.setNoDelay(true);
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      for (const part of parts) {
        socket.write(chunk(part));
        await new Promise(setImmediate);
      }
      socket.write(lastChunk);
    });
    const front = await startFront(upstream.port);
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (events, sizes) => {
        const whole = Buffer.from(events.join(''));
        parts = [];
        for (let at = 0, turn = 0; at < whole.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          parts.push(whole.subarray(at, at + size));
          at += size;
        }
        const response = await ask(front.port);
        expect(Buffer.from(await response.arrayBuffer()).equals(whole)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('gives back binary bodies, status, reason headers and cookies as they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256));
    const upstream = await startUpstream((socket) => {
      socket.write('HTTP/1.1 201 Created\r\nContent-Type: audio/mpeg\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n');
      socket.write(`Server: x\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.write(bytes);
    });
    const front = await startFront(upstream.port);
    const response = await ask(front.port);
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('audio/mpeg');
    expect(response.headers.get('content-length')).toBe('1024');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.has('server')).toBe(false);
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it.each([
    [1, 200],
    [2, 502],
  ])('P8 after %i refused connections answers %i: it asks once more, and no more', async (refusals, status) => {
    const upstream = await startUpstream((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
    const front = await startFront(upstream.port);
    const { dispatcher } = front.lease.endpoint;
    const dispatch = dispatcher.dispatch.bind(dispatcher);
    let attempts = 0;
    const refusingOrigin = `http://127.0.0.1:${await findClosedPort()}`;
    const refusing = new Pool(refusingOrigin);
    cleanups.push(() => refusing.destroy());
    dispatcher.dispatch = (options, handler) => {
      attempts += 1;
      if (attempts > refusals) return dispatch(options, handler);
      return refusing.dispatch({ ...options, origin: refusingOrigin }, handler);
    };
    const response = await ask(front.port);
    expect(response.status).toBe(status);
    expect(attempts).toBe(2);
    if (status === 502) {
      expect(await response.json()).toMatchObject({ error: { code: 'upstream_unavailable', source: 'corral' } });
      expect(upstream.requests).toHaveLength(0);
    } else {
      await response.text();
      expect(upstream.requests).toHaveLength(1);
    }
  });

  it('P8 never sends a request twice that was broken off after it had been sent', async () => {
    const upstream = await startUpstream((socket) => socket.destroy());
    const front = await startFront(upstream.port);
    const response = await ask(front.port);
    expect(response.status).toBe(502);
    expect(upstream.requests).toHaveLength(1);
  });

  it('tells the reason that is known for the loss of the process', async () => {
    const upstream = await startUpstream((socket) => socket.destroy());
    const front = await startFront(upstream.port, {
      explainLoss: () => new AppError('start-failed', 'It ran out of memory.'),
    });
    const response = await ask(front.port);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { message: 'It ran out of memory.' } });
  });

  it.each([
    ['between events', 'data: {"x":1}\n\n'],
    ['within an event', 'data: {"x":'],
    ['between carriage-return lines', 'data: 1\r\n\r\n'],
    ['before the first event', ''],
  ])('P4 ends a stream that breaks off %s with an error event of its own', async (_where, begun) => {
    const upstream = await startUpstream(async (socket) => {
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      if (begun !== '') socket.write(chunk(Buffer.from(begun)));
      await sleep(20);
      socket.destroy();
    });
    const front = await startFront(upstream.port);
    const text = await (await ask(front.port)).text();
    expect(text.startsWith(begun)).toBe(true);
    expect(text).not.toContain('[DONE]');
    const events = text.split(/\r?\n\r?\n/).filter((event) => event !== '');
    expect(JSON.parse(events.at(-1)?.slice('data: '.length) ?? '')).toMatchObject({ error: { source: 'corral' } });
  });

  it('breaks off an answer that is no stream and was cut short, rather than passing it as whole', async () => {
    const upstream = await startUpstream(async (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(chunk(Buffer.from('{"choices":')));
      await sleep(20);
      socket.destroy();
    });
    const front = await startFront(upstream.port);
    await expect(ask(front.port).then((response) => response.text())).rejects.toThrow();
    await Promise.all(front.finished);
  });

  // A 103 or 102 of a custom server is not the answer; RFC 9110 section 15.2 lets a proxy drop it.
  it.each(['103 Early Hints', '102 Processing'])('waits for the answer behind a %s', async (interim) => {
    const upstream = await startUpstream((socket) => {
      socket.write(`HTTP/1.1 ${interim}\r\nLink: </x>; rel=preload\r\n\r\n`);
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    });
    const front = await startFront(upstream.port);
    const response = await ask(front.port, { signal: AbortSignal.timeout(2000) });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{}');
  });

  it('answers in JSON when the head of an answer cannot be passed on', async () => {
    const upstream = await startUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Name: 模型\r\nContent-Length: 2\r\n\r\n{}');
    });
    const front = await startFront(upstream.port);
    const response = await ask(front.port, { signal: AbortSignal.timeout(2000) });
    // Either the header is dropped or re-coded, or the failure is told; a cut connection tells nothing.
    expect([200, 502]).toContain(response.status);
    await response.text();
  });

  it('gives up on a process that does not answer, or falls silent, within the limits', async () => {
    const silent = await startUpstream(() => undefined);
    const slow = await startFront(silent.port, { responseTimeoutMs: 100 });
    const first = await ask(slow.port);
    expect(first.status).toBe(504);
    expect(await first.json()).toMatchObject({ error: { code: 'upstream_timeout' } });

    const stalling = await startUpstream((socket) => {
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      socket.write(chunk(Buffer.from('data: 1\n\n')));
    });
    const front = await startFront(stalling.port, { idleTimeoutMs: 100 });
    const text = await (await ask(front.port)).text();
    expect(text).toContain('upstream_timeout');
    await expect.poll(() => stalling.state.closed).toBe(1);
  });

  // The limit is for a silent process. While a client holds the stream back, it is not the process that is silent.
  it('does not take a client that reads slowly for a process that fell silent', async () => {
    const part = Buffer.alloc(256 * 1024, 'x');
    const upstream = await startUpstream((socket) => {
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      for (let count = 0; count < 64; count += 1) socket.write(chunk(part));
      socket.write(lastChunk);
    });
    const front = await startFront(upstream.port, { idleTimeoutMs: 300 });
    const client = http.request({ port: front.port, host: '127.0.0.1', method: 'POST' });
    client.end('{}');
    const [response] = (await once(client, 'response')) as [http.IncomingMessage];
    response.pause();
    await sleep(1000);
    let received = 0;
    let tail = '';
    for await (const data of response as AsyncIterable<Buffer>) {
      received += data.length;
      tail = data.subarray(-300).toString();
    }
    expect(tail).not.toContain('upstream_timeout');
    expect(received).toBe(64 * part.length);
  });

  // What Corral answers depends on the page that asks, whatever else the process says it depends on.
  it('adds to a Vary of its own instead of losing it', async () => {
    const upstream = await startUpstream((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nVary: Accept-Encoding\r\nContent-Length: 2\r\n\r\n{}'),
    );
    const front = await startFront(upstream.port, {}, (response) => response.setHeader('vary', 'Origin'));
    const response = await ask(front.port);
    await response.text();
    expect(response.headers.get('vary')).toContain('Origin');
    expect(response.headers.get('vary')).toContain('Accept-Encoding');
  });

  describe('after comments have begun the stream', () => {
    const begun = ': queued 1/1\n\n';
    const begin = (response: http.ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(begun);
    };
    const startBegun = (port: number, changes: Partial<ForwardOptions> = {}): Promise<Front> =>
      startFront(port, changes, begin);
    const lastError = (text: string): unknown => JSON.parse(/^data: (.*)\n\n$/m.exec(text)?.[1] ?? '');

    it('goes on with the very bytes of the process, and asks it for none that are compressed', async () => {
      const stream = 'data: {"x":1}\n\n: ping\n\ndata: [DONE]\n\n';
      const upstream = await startUpstream((socket) => {
        socket.write(head('Transfer-Encoding: chunked\r\nX-Own: 1\r\n'));
        socket.write(chunk(Buffer.from(stream)));
        socket.write(lastChunk);
      });
      const front = await startBegun(upstream.port);
      const response = await ask(front.port, { headers: { 'accept-encoding': 'gzip' } });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(begun + stream);
      expect(upstream.requests[0]?.toLowerCase()).toContain('accept-encoding: identity');
      expect(upstream.requests[0]?.toLowerCase()).not.toContain('gzip');
    });

    it('makes an event of a refusal, in the words of the process', async () => {
      const body = JSON.stringify({ error: { code: 400, message: 'too long', type: 'exceed_context_size_error' } });
      const upstream = await startUpstream((socket) =>
        socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`),
      );
      let seen = 0;
      const front = await startBegun(upstream.port, { onStart: () => (seen += 1), onChunk: () => (seen += 1) });
      const text = await (await ask(front.port)).text();
      expect(text.startsWith(begun)).toBe(true);
      expect(lastError(text)).toEqual({
        error: { code: 400, message: 'too long', type: 'exceed_context_size_error', param: null, status: 400 },
      });
      // An error is no answer whose tokens could be counted.
      expect(seen).toBe(0);
    });

    it.each([
      ['JSON', 'Content-Type: application/json\r\n', 'application/json'],
      ['a compressed stream', 'Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n', 'text/event-stream'],
    ])('makes an error event of %s, and ends the request upstream', async (_what, headers, type) => {
      const upstream = await startUpstream((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`);
        socket.write(chunk(Buffer.from('{"choices":[]}')));
      });
      const front = await startBegun(upstream.port);
      const text = await (await ask(front.port)).text();
      expect(text).not.toContain('choices');
      expect(lastError(text)).toMatchObject({
        error: { source: 'corral', code: 'upstream_unavailable', message: expect.stringContaining(type) as string },
      });
      await expect.poll(() => upstream.state.closed).toBe(1);
      await Promise.all(front.finished);
    });

    it.each([
      ['is not there', undefined],
      ['breaks off before it answers', ''],
      ['breaks off within a refusal', 'HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\n{'],
    ])('makes an event of it when the process %s', async (_what, answer) => {
      const port =
        answer === undefined ? await findClosedPort() : (await startUpstream((socket) => socket.end(answer))).port;
      const front = await startBegun(port);
      const text = await (await ask(front.port)).text();
      expect(text.startsWith(begun)).toBe(true);
      expect(lastError(text)).toMatchObject({ error: { source: 'corral', code: 'upstream_unavailable' } });
    });

    it('ends with an event when the lease is called off before the process answers', async () => {
      const upstream = await startUpstream(() => undefined);
      const front = await startBegun(upstream.port);
      const response = await ask(front.port);
      await expect.poll(() => upstream.requests.length).toBe(1);
      front.lease.onAborted?.(new AppError('ejected', 'Ejected while it answered.'));
      expect(lastError(await response.text())).toMatchObject({ error: { code: 'ejected' } });
    });
  });

  it('closes the connection to the process as soon as the client has gone', async () => {
    const upstream = await startUpstream((socket) => {
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      socket.write(chunk(Buffer.from('data: 1\n\n')));
    });
    const front = await startFront(upstream.port);
    const gone = new AbortController();
    const response = await ask(front.port, { signal: gone.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    gone.abort();
    await expect.poll(() => upstream.state.closed, { timeout: 250, interval: 5 }).toBe(1);
    await Promise.all(front.finished);
  });

  it('ends a stream with the reason when its lease is called off', async () => {
    const upstream = await startUpstream((socket) => {
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      socket.write(chunk(Buffer.from('data: 1\n\n')));
    });
    const front = await startFront(upstream.port);
    const response = await ask(front.port);
    front.lease.onAborted?.(new AppError('ejected', 'Ejected while it answered.'));
    const text = await response.text();
    expect(text).toContain('"code":"ejected"');
    expect(front.lease.onAborted).toBeUndefined();
  });

  describe('behind a stream', () => {
    const stream = `${head('Transfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\n')}9\r\ndata: 1\n\n\r\n${lastChunk}`;

    it('loses no request to a server that closes the connection a moment later', async () => {
      const upstream = await startUpstream((socket) => {
        // What comes on it meanwhile is lost.
        socket.write(stream, () => setTimeout(() => socket.destroy(), 3));
      });
      const front = await startFront(upstream.port, { mayStream: true });
      for (let count = 0; count < 30; count += 1) expect(await (await ask(front.port)).text()).toBe('data: 1\n\n');
      expect(upstream.state.connections).toBe(30);
    });

    it('uses the connection again once a server was seen to keep it', async () => {
      const upstream = await startUpstream((socket) => socket.write(stream));
      const front = await startFront(upstream.port, { mayStream: true });
      await (await ask(front.port)).text();
      await sleep(700);
      for (let count = 0; count < 10; count += 1) await (await ask(front.port)).text();
      expect(upstream.state.connections).toBe(2);
    });

    it('looks again when a server that kept its connections has lost one', async () => {
      let closes = false;
      const upstream = await startUpstream((socket) => {
        socket.write(stream, () => closes && setTimeout(() => socket.destroy(), 3));
      });
      const front = await startFront(upstream.port, { mayStream: true });
      await (await ask(front.port)).text();
      await sleep(700);
      closes = true;
      const statuses: number[] = [];
      for (let count = 0; count < 20; count += 1) {
        const response = await ask(front.port);
        statuses.push(response.status);
        await response.text();
      }
      expect(statuses.filter((status) => status !== 200).length).toBeLessThanOrEqual(1);
    });
  });
});
