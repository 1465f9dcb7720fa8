import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDialectRequestListener } from '../../../electron/engine/proxy/dialect-request-listener.ts';
import type { GuardPolicy } from '../../../electron/engine/proxy/guards.ts';

let policy: GuardPolicy;
let seen: string[];
let server: http.Server;
let address: string;

beforeEach(async () => {
  policy = { allowedHosts: [], allowedOrigins: [], apiKeys: [], isKeyDemanded: false };
  seen = [];
  const listener = createDialectRequestListener({
    family: 'llama_cpp_router',
    guardPolicy: () => policy,
    inference: {
      handle(route, _request, response) {
        seen.push(`inference ${route.path}`);
        response.end();
        return Promise.resolve();
      },
      handleUpstream: () => Promise.reject(new Error('nobody asks for it')),
    },
    answer(request, response, { pathname, search, lane }) {
      if (pathname === '/broken') throw new Error('a defect');
      const isOwn = ['/own', '/health', '/admin', '/v1/completions'].includes(pathname);
      if (isOwn) {
        seen.push(`${request.method ?? ''} ${pathname}${search} of ${lane.name}`);
        response.end();
      }
      return isOwn;
    },
    isAdmin: (headers) => headers['authorization'] === 'Bearer admin',
  });
  server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

async function ask(method: string, route: string, headers: Record<string, string> = {}): Promise<[number, string]> {
  const response = await fetch(`${address}${route}`, { method, headers });
  return [response.status, await response.text()];
}

const lane = { priority: 0, concurrency: undefined, models: undefined, hasWaitingComments: true };

describe('an address that speaks another program’s language', () => {
  it('has that program’s routes before those of inference, and nothing else', async () => {
    await ask('GET', '/own?x=1');
    await ask('POST', '/v1/completions');
    await ask('POST', '/v1/chat/completions');
    expect(seen).toEqual([
      'GET /own?x=1 of default',
      'POST /v1/completions of default',
      'inference /v1/chat/completions',
    ]);
    expect(await ask('GET', '/control/events')).toEqual([404, '{"notFound":true}']);
    expect(await ask('GET', '/upstream/a/props')).toEqual([404, '{"notFound":true}']);
    expect(await ask('GET', '/v1/embeddings')).toEqual([404, '{"notFound":true}']);
  });

  it('answers a defect as an error, and goes on', async () => {
    expect(await ask('GET', '/broken')).toEqual([500, '{"error":"Corral failed unexpectedly: a defect"}']);
    expect((await ask('GET', '/own'))[0]).toBe(200);
  });

  it('knows lanes by their keys, for its own routes too', async () => {
    policy = { ...policy, apiKeys: [{ ...lane, name: 'lan', key: 'secret' }], isKeyDemanded: true };
    expect((await ask('GET', '/own'))[0]).toBe(401);
    expect((await ask('GET', '/nothing'))[0]).toBe(401);
    expect((await ask('GET', '/own', { authorization: 'Bearer wrong' }))[0]).toBe(401);
    expect((await ask('GET', '/own', { authorization: 'Bearer secret' }))[0]).toBe(200);
    // Whether it is up is told to anybody, and a token that stands above keys needs none.
    expect((await ask('GET', '/health'))[0]).toBe(200);
    expect((await ask('POST', '/health'))[0]).toBe(401);
    expect((await ask('POST', '/admin', { authorization: 'Bearer admin' }))[0]).toBe(200);
    expect(seen).toEqual(['GET /own of lan', 'GET /health of default', 'POST /admin of default']);
  });

  it('refuses other pages before anything else is asked', async () => {
    expect((await ask('POST', '/own', { origin: 'https://evil.example' }))[0]).toBe(403);
    expect(seen).toEqual([]);
  });
});
