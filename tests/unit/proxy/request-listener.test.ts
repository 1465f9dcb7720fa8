import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toAppError } from '#shared/contract/errors.ts';
import { createModelTable } from '../../../electron/engine/model-table.ts';
import { sendError } from '../../../electron/engine/proxy/error-bodies.ts';
import type { InferenceHandler } from '../../../electron/engine/proxy/inference.ts';
import { createRequestListener } from '../../../electron/engine/proxy/request-listener.ts';
import { findUpstreamTarget, type UpstreamTarget } from '../../../electron/engine/proxy/upstream-path.ts';
import { commandModelConfig } from '../../fakes/model-config.ts';

/** What reached the parts behind the listener. */
const seen: { inference: string[]; upstream: UpstreamTarget[]; app: string[] } = {
  inference: [],
  upstream: [],
  app: [],
};

const table = createModelTable(
  new Map(['org/model', 'org', 'one'].map((id) => [id, commandModelConfig(id)])),
  new Map(),
);

const inference: InferenceHandler = {
  handle(route, request, response, url) {
    seen.inference.push(`${request.method ?? ''} ${route.path} ${url.pathname}${url.search}`);
    response.end();
    return Promise.resolve();
  },
  handleUpstream(request, response, url) {
    try {
      seen.upstream.push(findUpstreamTarget(request, url, table.resolvePrefix));
      response.end();
    } catch (thrown) {
      sendError(response, toAppError(thrown));
    }
    return Promise.resolve();
  },
};

const listener = createRequestListener({
  guardPolicy: () => ({ allowedHosts: [], allowedOrigins: [], apiKeys: [], isKeyDemanded: false }),
  inference,
  app(request, response) {
    seen.app.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.end();
  },
});

let server: http.Server;
beforeAll(async () => {
  server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});
beforeEach(() => {
  seen.inference.length = 0;
  seen.upstream.length = 0;
  seen.app.length = 0;
});

/** Sends a request line as it is, and returns the status. */
async function send(line: string, headers = ''): Promise<number> {
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  socket.on('error', () => socket.destroy());
  socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  await closed;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
}

describe('createRequestListener', () => {
  it.each([
    ['POST /v1/chat/completions', 'POST /v1/chat/completions /v1/chat/completions'],
    ["POST /v1/embeddings?x='a'|%27&y", "POST /v1/embeddings /v1/embeddings?x='a'|%27&y"],
    ['GET /props?model=one', 'GET /props /props?model=one'],
    ['POST /slots/3?action=save', 'POST /slots/:slot /slots/3?action=save'],
    ['POST /v1/rerank/', 'POST /v1/rerank /v1/rerank/'],
    ['POST http://other.example/v1/embeddings?model=one', 'POST /v1/embeddings /v1/embeddings?model=one'],
  ])('hands %s to inference, with its query as it was written', async (line, expected) => {
    expect(await send(line)).toBe(200);
    expect(seen.inference).toEqual([expected]);
  });

  it.each([
    'GET /',
    'GET /health',
    'GET /v1/chat/completions',
    'POST /v1/chat',
    'DELETE /props',
    'OPTIONS *',
    'POST //v1/embeddings',
  ])('leaves %s to the rest', async (line) => {
    expect(await send(line)).toBe(200);
    expect(seen.app).toHaveLength(1);
    expect(seen.inference).toEqual([]);
  });

  it.each([
    'GET /health',
    'POST /v1/embeddings',
    'GET /upstream/one/health',
    'OPTIONS *',
    'GET http://localhost/health',
  ])('lets nothing of another host or page past: %s', async (line) => {
    expect(await send(line, 'Origin: https://evil.example\r\n')).toBe(403);
    expect([...seen.inference, ...seen.upstream, ...seen.app]).toEqual([]);
  });

  it.each([
    ['/upstream/one', 'one', '/'],
    ['/upstream/one/', 'one', '/'],
    ['/upstream/one/v1/models?x=%20a', 'one', '/v1/models?x=%20a'],
    ['/upstream/org/model/props', 'org/model', '/props'],
    ['/upstream/org%2Fmodel/props', 'org/model', '/props'],
    ['/upstream/one/a%20b/%C3%A4', 'one', '/a%20b/%C3%A4'],
    ['/upstream/one/50%25', 'one', '/50%25'],
    // What is encoded in a path is part of it, and must not become a query or a fragment.
    ['/upstream/one/a%3Fb=c', 'one', '/a%3Fb=c'],
    ['/upstream/one/a%23b', 'one', '/a%23b'],
    ['/upstream/one/a%2Fb', 'one', '/a%2Fb'],
  ])('passes %s on to %s as %s', async (target, modelId, path) => {
    expect(await send(`POST ${target}`, 'Content-Length: 0\r\n')).toBe(200);
    expect(seen.upstream).toEqual([{ modelId, path, canStart: true }]);
  });

  // llama-server cuts a target at `?` and `#` before it looks for its route.
  it.each([
    'tools',
    'tools/',
    'tools/x',
    'cors-proxy?url=x',
    'cors-proxy/x',
    'v1/tools',
    'prefix/cors-proxy/x',
    'v1/../tools',
    'v1/%2e%2e/tools',
    'v1%2f..%2ftools',
    '%2574ools',
    'TOOLS',
    '%74ools',
    'tools%2Fx',
    'tools%3F',
    'tools%3Fx=1',
    'tools%23x',
    'cors%2Dproxy%3Furl=x',
  ])('keeps what gives away a shell or the network closed: %s', async (rest) => {
    for (const method of ['GET', 'POST', 'HEAD', 'DELETE']) {
      expect(await send(`${method} /upstream/one/${rest}`, 'Content-Length: 0\r\n'), method).toBe(403);
    }
    expect(seen.upstream).toEqual([]);
  });

  it.each(['/upstream/', '/upstream/none/props', '/upstream/%zz', '/upstream/%ff', '/upstream/onetwo'])(
    'knows no model at %s',
    async (target) => {
      expect(await send(`GET ${target}`)).toBe(404);
    },
  );

  it.each([
    ['GET', '', '', false],
    ['HEAD', '', '', false],
    ['OPTIONS', '', '', false],
    ['GET', '?corral-start=0', '', false],
    ['GET', '?corral-start=1', '', true],
    ['GET', '?corral-start=1', 'Sec-Fetch-Site: same-origin\r\n', true],
    ['GET', '?corral-start=1', 'Sec-Fetch-Site: cross-site\r\n', false],
    // Another port of this machine is another program's page.
    ['GET', '?corral-start=1', 'Sec-Fetch-Site: same-site\r\n', false],
    ['POST', '', '', true],
  ])('%s %s with %j may start a model: %s', async (method, query, headers, canStart) => {
    expect(await send(`${method} /upstream/one/props${query}`, headers)).toBe(200);
    expect(seen.upstream.map((target) => target.canStart)).toEqual([canStart]);
  });

  it('keeps its own parameter to itself', async () => {
    await send('GET /upstream/one/props?a=1&corral-start=1');
    expect(seen.upstream.map(({ path }) => path)).toEqual(['/props?a=1']);
  });
});
