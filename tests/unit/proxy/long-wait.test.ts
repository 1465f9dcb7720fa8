import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../electron/engine/ports/clock.ts';
import { forward } from '../../../electron/engine/proxy/forward.ts';
import { openEndpoint, type Endpoint } from '../../../electron/engine/supervisor/endpoint.ts';

const cleanups: (() => Promise<unknown>)[] = [];
// Once for all: the client library keeps one timer for all of its requests.
beforeAll(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }));
afterAll(() => void vi.useRealTimers());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

/** A server whose answers wait until the test gives them. */
async function startUpstream(): Promise<{ port: number; next: Promise<ServerResponse> }> {
  let take: (response: ServerResponse) => void = () => undefined;
  const next = new Promise<ServerResponse>((resolve) => (take = resolve));
  return { port: await listen(http.createServer((_request, response) => take(response))), next };
}

async function startFront(upstreamPort: number, responseTimeoutMs = 0): Promise<{ port: number; endpoint: Endpoint }> {
  const endpoint = openEndpoint({
    listen: { kind: 'tcp', host: '127.0.0.1', port: upstreamPort },
    apiKey: undefined,
    advertisedIdleMs: 5000,
    connectTimeoutMs: 500,
    clock: systemClock,
  });
  cleanups.push(() => endpoint.close());
  const server = http.createServer((request, response) => {
    request.resume().once('end', () => {
      void forward({
        request,
        response,
        path: request.url ?? '/',
        body: Buffer.from('{}'),
        lease: {
          requestId: 'r1',
          modelId: 'one',
          endpoint,
          queueWaitMs: 0,
          loadWaitMs: 0,
          onAborted: undefined,
          release: () => undefined,
        },
        family: 'openai',
        clock: systemClock,
        responseTimeoutMs,
        idleTimeoutMs: 0,
        explainLoss: () => undefined,
      });
    });
  });
  return { port: await listen(server), endpoint };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Node's own client, which has no limits of its own. */
async function ask(port: number): Promise<Answer> {
  const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false });
  request.end('{}');
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString();
  return { status: response.statusCode ?? 0, text };
}

/** Every timer of JavaScript's runs as if so much time had passed; the sockets are real. */
async function passSeconds(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) await vi.advanceTimersByTimeAsync(1000);
}

// 400 s are past the 300 s after which the HTTP client beneath gives up by default.
describe('P6 an answer whose head comes after 400 s', () => {
  it('and whose next piece comes after another 400 s, is passed on whole', async () => {
    const upstream = await startUpstream();
    const front = await startFront(upstream.port);
    const asking = ask(front.port);
    const answer = await upstream.next;
    await passSeconds(400);
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.write('data: 1\n\n');
    // The piece has arrived before time goes on.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await passSeconds(400);
    answer.end('data: [DONE]\n\n');
    expect(await asking).toEqual({ status: 200, text: 'data: 1\n\ndata: [DONE]\n\n' });
  });

  it('is given up by the limit that the configuration may set, and told as such', async () => {
    const upstream = await startUpstream();
    const front = await startFront(upstream.port, 300_000);
    const asking = ask(front.port);
    await upstream.next;
    await passSeconds(301);
    expect((await asking).status).toBe(504);
  });

  it('would have been given up by the client library’s default, in this very test', async () => {
    const upstream = await startUpstream();
    const pool = new Pool(`http://127.0.0.1:${upstream.port}`);
    cleanups.push(() => pool.destroy());
    const asking = pool.request({ path: '/', method: 'POST', body: '{}' }).then(
      () => 'answered',
      (thrown: unknown) => (thrown as NodeJS.ErrnoException).code,
    );
    await upstream.next;
    await passSeconds(400);
    expect(await asking).toBe('UND_ERR_HEADERS_TIMEOUT');
  });
});
