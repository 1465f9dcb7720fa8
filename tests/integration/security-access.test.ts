import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferenceRoutes } from '../../electron/engine/proxy/routes.ts';
import { startHeadless } from '../../electron/headless.ts';
import { createTestFolder, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** A request with exactly the headers given; `host: undefined` sends none. */
async function send(
  address: string,
  target: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string | undefined>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(address);
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  const request = http.request({
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: target,
    method,
    headers: { ...given, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    setHost: !Object.hasOwn(headers, 'host'),
    agent: false,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

const json = { 'content-type': 'application/json' };
const chat = JSON.stringify({ model: 'one', messages: [] });
const CLIENT_KEY = 'client-key-1';
const PHONE_KEY = 'phone-key-2';
const ADMIN_TOKEN = 'admin-token-3';

const hostileHosts = [
  'evil.example',
  'evil.example:5526',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example.',
  'localhost.',
  'user@localhost',
  'localhost@evil.example',
  '10.9.8.7',
  '',
  undefined,
];

/** Every path a browser could be made to open. */
const everyGet = [
  '/',
  '/health',
  '/v1/models',
  '/models',
  '/v1/models/one',
  '/metrics',
  '/ui/',
  '/upstream/one/health',
  '/api/tags',
  '/control',
  '/control/',
  '/control/events',
  '/control/commands/load-model?model=one',
  '/control/commands/eject-all-models',
  ...inferenceRoutes.map((route) => `${route.path.replace(':slot', '0')}?model=one`),
];

function stateOf(corral: TestCorral): string {
  return JSON.stringify(corral.engine.snapshot().models.map(({ id, state, isPinned }) => ({ id, state, isPinned })));
}

describe('on loopback, with keys configured', () => {
  let corral: TestCorral;
  beforeAll(async () => {
    corral = await startCorral({
      server: {
        apiKeys: [
          { name: 'laptop', key: CLIENT_KEY },
          { name: 'phone', key: PHONE_KEY, models: ['two'] },
        ],
        adminToken: ADMIN_TOKEN,
        allowedOrigins: ['https://chat.example.com'],
        allowedHosts: ['box.local'],
      },
      memory: { maxLoaded: 2 },
      models: { one: fakeModel({ name: 'one' }), two: fakeModel({ name: 'two' }) },
    });
  });
  afterAll(() => corral.stop());

  it.each(hostileHosts)('X1 refuses Host %s everywhere, with a good key too', async (host) => {
    const before = stateOf(corral);
    for (const target of everyGet)
      expect((await send(corral.address, target, { headers: { host } })).status, target).toBe(403);
    for (const headers of [{}, { authorization: `Bearer ${CLIENT_KEY}` }, { authorization: `Bearer ${ADMIN_TOKEN}` }]) {
      for (const target of ['/v1/chat/completions', '/control/commands/load-model']) {
        const answer = await send(corral.address, target, {
          method: 'POST',
          headers: { ...json, ...headers, host },
          body: chat,
        });
        expect(answer.status).toBe(403);
        expect(JSON.parse(answer.text)).toMatchObject({ error: { source: 'corral' } });
      }
    }
    expect(stateOf(corral)).toBe(before);
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:5526', 'box.local', 'BOX.local:5526'])(
    'serves Host %s',
    async (host) => {
      expect((await send(corral.address, '/health', { headers: { host } })).status).toBe(200);
    },
  );

  it.each([
    'null',
    'https://evil.example',
    'http://localhost:3000',
    'https://chat.example.com.evil.example',
    'file://',
  ])('X2 refuses the pages of %s, whatever they send', async (origin) => {
    const before = stateOf(corral);
    const attempts = [
      send(corral.address, '/v1/models', { headers: { origin } }),
      send(corral.address, '/v1/chat/completions', {
        method: 'POST',
        headers: { origin, 'content-type': 'text/plain' },
        body: chat,
      }),
      send(corral.address, '/v1/chat/completions', { method: 'POST', headers: { origin, ...json }, body: chat }),
      send(corral.address, '/control/commands/load-model', {
        method: 'POST',
        headers: { origin, 'content-type': 'text/plain', authorization: `Bearer ${ADMIN_TOKEN}` },
        body: '{"model":"one"}',
      }),
      send(corral.address, '/v1/chat/completions', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
      }),
      send(corral.address, '/v1/realtime?model=one', {
        headers: {
          origin,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
      }),
    ];
    for (const { status, headers } of await Promise.all(attempts)) {
      expect(status).toBe(403);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect(stateOf(corral)).toBe(before);
  });

  it('X2 serves configured pages, by name and never to all', async () => {
    const origin = 'https://chat.example.com';
    const preflight = await send(corral.address, '/v1/chat/completions', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization,content-type',
      vary: 'Origin',
    });
    const answer = await send(corral.address, '/v1/chat/completions', {
      method: 'POST',
      headers: { origin, ...json, authorization: `Bearer ${CLIENT_KEY}` },
      body: chat,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(answer.headers.vary).toContain('Origin');
    const refused = await send(corral.address, '/v1/models/nothing', { headers: { origin } });
    expect(refused.status).toBe(404);
    expect(refused.headers['access-control-allow-origin']).toBe(origin);
    await corral.bridge.call('eject-all-models', {});
  });

  it('changes nothing by any GET, with or without a key, from here or from another site', async () => {
    const before = stateOf(corral);
    const keys = [{}, { authorization: `Bearer ${CLIENT_KEY}` }, { authorization: `Bearer ${ADMIN_TOKEN}` }];
    const senders: Record<string, string>[] = [
      ...keys,
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    ];
    for (const headers of senders) {
      for (const target of everyGet) {
        if (target === '/control/events' && headers['authorization'] === `Bearer ${ADMIN_TOKEN}`) continue; // A stream without an end.
        const { status } = await send(corral.address, target, { headers });
        expect(status, target).toBeLessThan(600);
        expect(status, target).not.toBe(500);
      }
    }
    expect(stateOf(corral)).toBe(before);
    expect(await corral.folder.liveProcesses()).toEqual([]);
  });

  it('knows its keys in all three forms, and takes none for the default lane', async () => {
    const basic = `Basic ${Buffer.from(`anybody:${CLIENT_KEY}`).toString('base64')}`;
    for (const headers of [
      {},
      { authorization: `Bearer ${CLIENT_KEY}` },
      { authorization: basic },
      { 'x-api-key': CLIENT_KEY },
    ]) {
      expect((await send(corral.address, '/v1/models', { headers })).status).toBe(200);
    }
  });

  it.each([
    `Bearer ${CLIENT_KEY}x`,
    'Bearer wrong',
    `Bearer ${ADMIN_TOKEN}`,
    'Basic d3Jvbmc6d3Jvbmc=',
    CLIENT_KEY.slice(1),
    'Bearer',
  ])('refuses %s for inference with 401', async (authorization) => {
    for (const [method, target] of [
      ['GET', '/v1/models'],
      ['POST', '/v1/chat/completions'],
    ] as const) {
      const answer = await send(corral.address, target, { method, headers: { ...json, authorization }, body: chat });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(JSON.parse(answer.text)).toMatchObject({
        error: { code: 'invalid_api_key', type: 'authentication_error' },
      });
    }
  });

  it('X12 does not take the instance’s own token for a client’s key', async () => {
    const authorization = `Bearer ${corral.engine.instanceToken}`;
    expect((await send(corral.address, '/v1/models', { headers: { authorization } })).status).toBe(401);
  });

  it('holds a lane to its models', async () => {
    const headers = { ...json, authorization: `Bearer ${PHONE_KEY}` };
    const refused = await send(corral.address, '/v1/chat/completions', { method: 'POST', headers, body: chat });
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'permission_error' } });
    const list = await send(corral.address, '/v1/models', { headers });
    expect((JSON.parse(list.text) as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual(['two']);
    expect(corral.model('one').state).toBe('off');
  });

  // The list hides them; asking by name, and the error for an unknown name, must not give them away.
  it('tells a lane nothing about models that it may not use', async () => {
    const headers = { ...json, authorization: `Bearer ${PHONE_KEY}` };
    const hidden = await send(corral.address, '/v1/models/one', { headers });
    const unknown = await send(corral.address, '/v1/models/three', { headers });
    expect([403, 404]).toContain(hidden.status);
    expect(unknown.text).not.toMatch(/\bone\b/);
  });

  it('X12 keeps the control API for the admin and instance tokens', async () => {
    const body = '{}';
    const post = (headers: Record<string, string>) =>
      send(corral.address, '/control/commands/get-snapshot', {
        method: 'POST',
        headers: { ...json, ...headers },
        body,
      });
    for (const headers of [
      {},
      { authorization: `Bearer ${CLIENT_KEY}` },
      { authorization: 'Bearer ' },
      { authorization: 'Bearer undefined' },
      { 'x-api-key': CLIENT_KEY },
    ]) {
      const answer = await post(headers);
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain('"models"');
    }
    for (const token of [ADMIN_TOKEN, corral.engine.instanceToken]) {
      expect((await post({ authorization: `Bearer ${token}` })).status).toBe(200);
      expect((await post({ 'x-api-key': token })).status).toBe(200);
    }
  });
});

describe('on an address that others can reach', () => {
  const openServer = { host: '0.0.0.0', apiKeys: [{ name: 'laptop', key: CLIENT_KEY }] };
  let corral: TestCorral;
  beforeAll(async () => {
    corral = await startCorral({ server: openServer, models: { one: fakeModel({ name: 'one' }) } });
  });
  afterAll(() => corral.stop());

  it('X6 does not start without a key', async () => {
    const folder = await createTestFolder();
    const serve = async (config: string, host?: string) =>
      await startHeadless({
        configFile: await folder.write('config.yaml', config),
        host,
        port: 0,
        dataDir: `${folder.path}/data`,
        version: '0.0.0-test',
        print: () => undefined,
        printLog: () => undefined,
      });
    const model = 'models:\n  one: { command: [node, x.mjs] }\n';
    for (const host of ['0.0.0.0', '"::"', '192.168.1.7', 'box.local']) {
      await expect(serve(`server: { host: ${host} }\n${model}`)).rejects.toMatchObject({ code: 'config-invalid' });
    }
    await expect(serve(model, '0.0.0.0')).rejects.toMatchObject({ code: 'config-invalid' });
    await folder.dispose();
  });

  it.each(inferenceRoutes)('X6 demands a key for $method $path', async ({ method, path }) => {
    const target = `${path.replace(':slot', '0')}?model=one`;
    for (const headers of [json, { ...json, authorization: 'Bearer wrong' }]) {
      const answer = await send(corral.address, target, {
        method,
        headers,
        ...(method === 'POST' ? { body: chat } : {}),
      });
      expect(answer.status).toBe(401);
    }
    expect(corral.model('one').state).toBe('off');
  });

  it('X6 demands one for the model list and for control', async () => {
    for (const target of [
      '/v1/models',
      '/models',
      '/v1/models/one',
      '/control/events',
      '/control/',
      '/control/commands/get-snapshot',
    ]) {
      expect((await send(corral.address, target)).status, target).toBe(401);
    }
  });

  // decisions.md: "demands a key from every peer, except GET /health and the static files of /ui/".
  it.each([
    ['GET', '/'],
    ['GET', '/nothing/here'],
    ['GET', '/v1/chat/completions'],
    ['POST', '/v1/models'],
    ['DELETE', '/v1/chat/completions'],
    ['POST', '/health'],
    ['OPTIONS', '/v1/models/one'],
  ])('X6 demands one even for what there is not: %s %s', async (method, target) => {
    expect((await send(corral.address, target, { method })).status).toBe(401);
  });

  it('X6 tells its health to anybody, and nothing else with it', async () => {
    const answer = await send(corral.address, '/health');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ status: 'ok' });
  });

  it.each(hostileHosts)('X1 refuses Host %s there, too', async (host) => {
    const headers = { host, authorization: `Bearer ${CLIENT_KEY}` };
    for (const target of ['/health', '/v1/models'])
      expect((await send(corral.address, target, { headers })).status).toBe(403);
  });

  it('serves the address it was reached at, with a key', async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
    const reached = own ?? '127.0.0.1'; // A machine without a network has loopback only.
    const { port } = new URL(corral.address);
    const headers = { authorization: `Bearer ${CLIENT_KEY}` };
    expect((await send(`http://${reached}:${port}`, '/v1/models', { headers })).status).toBe(200);
  });
});

describe('a name of localhost', () => {
  it('is served on 127.0.0.1 and, where there is one, on ::1', async () => {
    const corral = await startCorral({ server: { host: 'localhost' }, models: { one: fakeModel({}) } });
    try {
      const { port } = new URL(corral.address);
      expect((await send(`http://127.0.0.1:${port}`, '/health')).status).toBe(200);
      const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
      if (hasIpv6) expect((await send(`http://[::1]:${port}`, '/health')).status).toBe(200);
    } finally {
      await corral.stop();
    }
  });
});
