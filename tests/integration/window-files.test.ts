import { mkdir, writeFile } from 'node:fs/promises';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '#shared/contract/content-security-policy.ts';
import { createTestFolder, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends the path as it is; `fetch` would tidy it up first. */
async function send(
  address: string,
  target: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(address);
  const request = http.request({ host: hostname, port, path: target, method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

const page = '<!doctype html><title>Corral</title><script type="module" src="./assets/main-abc123.js"></script>';

async function startWithWindow(config: Record<string, unknown>): Promise<TestCorral> {
  const folder = await createTestFolder();
  const windowFolder = path.join(folder.path, 'window');
  await mkdir(path.join(windowFolder, 'assets'), { recursive: true });
  await writeFile(path.join(windowFolder, 'index.html'), page);
  await writeFile(path.join(windowFolder, '.secret'), 'canary-dotfile');
  await writeFile(path.join(windowFolder, 'assets', 'main-abc123.js'), 'export {};');
  await writeFile(path.join(folder.path, 'beside.txt'), 'canary-outside');
  return await startCorral(config, { folder, windowFolder });
}

function expectSafe({ headers }: Answer): void {
  expect(headers['content-security-policy']).toBe(contentSecurityPolicy);
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBe('no-referrer');
  expect(headers['cross-origin-opener-policy']).toBe('same-origin');
  expect(headers['access-control-allow-origin']).toBeUndefined();
}

describe('the window over HTTP', () => {
  let corral: TestCorral;
  beforeAll(async () => {
    corral = await startWithWindow({ models: { one: fakeModel({ name: 'one' }) } });
  });
  afterAll(() => corral.stop());

  it('is the built page, asked for again each time, with its hashed files kept for ever', async () => {
    const index = await send(corral.address, '/ui/');
    expect(index).toMatchObject({ status: 200, text: page });
    expect(index.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
    expectSafe(index);
    const script = await send(corral.address, '/ui/assets/main-abc123.js');
    expect(script.headers['content-type']).toMatch(/javascript/);
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expectSafe(script);
    const head = await send(corral.address, '/ui/', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expectSafe(head);
    const again = await send(corral.address, '/ui/', { headers: { 'if-none-match': index.headers.etag ?? '' } });
    expect(again.status).toBe(304);
    expectSafe(again);
  });

  it('is found without the last slash, whatever stands behind it', async () => {
    for (const [target, location] of [
      ['/ui', '/ui/'],
      ['/ui?page=logs', '/ui/?page=logs'],
      ['/ui?x=//evil.example', '/ui/?x=//evil.example'],
    ] as const) {
      const answer = await send(corral.address, target);
      expect(answer.status).toBe(308);
      expect(answer.headers.location).toBe(location);
      expectSafe(answer);
    }
    expect((await send(corral.address, '/ui/?page=logs')).text).toBe(page);
  });

  it.each(['/ui/nothing.js', '/ui/assets', '/ui/assets/', '/ui/.secret', '/ui/index.html/'])(
    'has plain words for %s, which is not there',
    async (target) => {
      const answer = await send(corral.address, target);
      expect(answer.status).toBe(404);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.text).not.toContain('canary');
      expectSafe(answer);
    },
  );

  it.each([
    '/ui/../beside.txt',
    '/ui/%2e%2e/beside.txt',
    '/ui/..%2fbeside.txt',
    '/ui/%2e%2e%2fbeside.txt',
    '/ui/..\\beside.txt',
    '/ui/%2e%2e%5cbeside.txt',
    '/ui/assets/../../beside.txt',
    '/ui/....//beside.txt',
    '/ui//../beside.txt',
    '/ui/%252e%252e/beside.txt',
    '/ui/..;/beside.txt',
    '/ui/%00/beside.txt',
    '/ui/%zz',
    '/ui/%c0%ae%c0%ae/beside.txt',
    '/ui/../control/commands/get-snapshot',
    '/ui/../v1/models',
    '/UI/../beside.txt',
  ])('gives nothing from outside of its folder: %s', async (target) => {
    const answer = await send(corral.address, target);
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toMatch(/canary|"object"|sequence/);
    expect(answer.text).not.toContain(corral.folder.path);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('takes no %s', async (method) => {
    const answer = await send(corral.address, '/ui/', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
    expectSafe(answer);
  });

  it('holds to the Host and Origin rules', async () => {
    const host = `evil.example:${new URL(corral.address).port}`;
    expect((await send(corral.address, '/ui/', { headers: { host } })).status).toBe(403);
    expect((await send(corral.address, '/ui/', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });

  it.each(['127.0.0.1', 'localhost'])('may command and chat from its own origin, %s', async (name) => {
    const host = `${name}:${new URL(corral.address).port}`;
    const headers = {
      host,
      origin: `http://${host}`,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
    };
    const authorization = `Bearer ${corral.engine.instanceToken}`;
    const snapshot = await send(corral.address, '/control/commands/get-snapshot', {
      method: 'POST',
      headers: { ...headers, authorization },
      body: '{}',
    });
    expect(snapshot.status, snapshot.text).toBe(200);
    const body = JSON.stringify({ model: 'one', messages: [{ role: 'user', content: 'Hello' }] });
    const chat = await send(corral.address, '/v1/chat/completions', { method: 'POST', headers, body });
    expect(chat.status, chat.text).toBe(200);
    const other = { ...headers, origin: `http://${name}:1` };
    expect((await send(corral.address, '/v1/chat/completions', { method: 'POST', headers: other, body })).status).toBe(
      403,
    );
  });
});

describe('the window on other addresses, and before it is built', () => {
  let corral: TestCorral;
  afterEach(() => corral.stop());

  it('X6 is open without a key where all else demands one, and tells nothing', async () => {
    const server = { host: '0.0.0.0', apiKeys: [{ name: 'laptop', key: 'client-key' }] };
    corral = await startWithWindow({ server, models: { one: fakeModel({ name: 'one' }) } });
    const address = corral.address;
    for (const [target, status] of [
      ['/ui', 308],
      ['/ui/', 200],
      ['/ui/assets/main-abc123.js', 200],
      ['/ui/nothing', 404],
      ['/uix', 401],
      ['/', 401],
      ['/v1/models', 401],
      ['/control/events', 401],
    ] as const) {
      expect((await send(address, target)).status, target).toBe(status);
    }
    expect((await send(address, '/ui/', { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await send(address, '/ui/')).text).not.toMatch(/client-key|one/);
  });

  it('says how it is built where it is not', async () => {
    const folder = await createTestFolder();
    corral = await startCorral({}, { folder, windowFolder: path.join(folder.path, 'missing') });
    const answer = await send(corral.address, '/ui/');
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('npm run build');
    expectSafe(answer);
  });
});
