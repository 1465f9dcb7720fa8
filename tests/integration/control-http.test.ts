import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandNames } from '#shared/contract/commands.ts';
import { numberedEventSchema, type NumberedEvent } from '#shared/contract/events.ts';
import { readEventData } from '#shared/contract/http-bridge.ts';
import { snapshotSchema } from '#shared/contract/snapshot.ts';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
let token: string;

beforeAll(async () => {
  corral = await startCorral({
    server: { adminToken: 'admin-token', apiKeys: [{ name: 'laptop', key: 'client-key' }] },
    models: { one: fakeModel({ name: 'one' }) },
  });
  token = corral.engine.instanceToken;
});
afterAll(() => corral.stop());

const control = (
  target: string,
  { headers, ...init }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
): Promise<Response> =>
  fetch(`${corral.address}/control${target}`, {
    method: 'POST',
    body: init.method === undefined || init.method === 'POST' ? '{}' : null,
    ...init,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
  });

describe('the control API', () => {
  it.each(commandNames)('answers nobody without a token: %s', async (name) => {
    for (const authorization of ['', 'Bearer client-key', 'Bearer wrong', 'Basic Og==']) {
      const response = await control(`/commands/${name}`, { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(response.headers.get('x-corral-error')).toBe('unauthorized');
      expect(await response.json()).toMatchObject({ error: { code: 'unauthorized' } });
    }
  });

  it('answers holders of the admin token and of the token in the instance file, which only its user can read', async () => {
    const file = path.join(corral.folder.path, 'data', 'instance.json');
    const instance = JSON.parse(await readFile(file, 'utf8')) as { token: string; address: string; pid: number };
    expect(instance).toMatchObject({ token, address: corral.address, pid: process.pid });
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600);
    for (const good of ['admin-token', instance.token]) {
      const response = await control('/commands/get-snapshot', { headers: { authorization: `Bearer ${good}` } });
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(snapshotSchema.safeParse(await response.json()).success).toBe(true);
    }
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('takes commands by POST and not by %s', async (method) => {
    const response = await control('/commands/eject-all-models', { method });
    expect(response.status).toBe(405);
    expect(await response.json()).toMatchObject({ error: { code: 'method-not-allowed' } });
  });

  it('says with 405 which method it takes', async () => {
    // RFC 9110 section 15.5.6: the answer must have `Allow`.
    expect((await control('/commands/get-snapshot', { method: 'GET' })).headers.get('allow')).toBe('POST');
    expect((await control('/events')).headers.get('allow')).toBe('GET');
  });

  it.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'text/json',
    '',
  ])('refuses commands labelled %j, which a page could make a browser send', async (type) => {
    const response = await control('/commands/load-model', {
      body: '{"model":"one"}',
      headers: { 'content-type': type },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid-request' } });
    expect(corral.model('one').state).toBe('off');
  });

  it.each(['application/json', 'Application/JSON; charset=utf-8', 'application/json ;charset=utf-8'])(
    'takes %s',
    async (type) => {
      expect((await control('/commands/get-snapshot', { headers: { 'content-type': type } })).status).toBe(200);
    },
  );

  it.each(['', '{', 'null', '[]', '"x"', '{"model":"one"} trailing', '['.repeat(100_000)])(
    'refuses the body %.20s',
    async (body) => {
      const response = await control('/commands/get-snapshot', { body });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid-request' } });
    },
  );

  it.each([
    '',
    '/',
    '/commands',
    '/commands/',
    '/commands/toString',
    '/commands/__proto__',
    '/commands/constructor',
    '/commands/Get-Snapshot',
    '/commands/get-snapshot/',
    '/commands/get-snapshot/more',
    '/commands/get%2dsnapshot',
    '/events/',
    '//',
    '//commands/get-snapshot',
    '/%zz',
    '/..%2fv1/models',
  ])('has nothing at %j', async (target) => {
    const response = await control(target);
    expect(response.status, await response.clone().text()).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'unknown-route' } });
  });

  it('refuses a command of more than a megabyte, and says so', async () => {
    const request = http.request(`${corral.address}/control/commands/load-model`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    request.write(`{"model":"${'x'.repeat(1_200_000)}`);
    const [response] = await answered;
    expect(response.statusCode).toBe(413);
    response.resume();
    request.destroy();
  });

  it('calls off a load when its caller goes away', async () => {
    const gone = new AbortController();
    const loading = control('/commands/load-model', { body: '{"model":"one"}', signal: gone.signal }).then(
      (response) => response.text(),
      () => 'gone',
    );
    await eventually('it loads', () => corral.model('one').state !== 'off');
    gone.abort();
    expect(await loading).toBe('gone');
    await corral.bridge.call('eject-model', { model: 'one', mode: 'now' });
    await eventually('it is off', () => corral.model('one').state === 'off');
  });
});

describe('the event stream', () => {
  it('begins with the snapshot and goes on with numbered events', async () => {
    const gone = new AbortController();
    const response = await control('/events', { method: 'GET', body: null, signal: gone.signal });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    if (response.body === null) throw new Error('There is no stream.');
    const messages = readEventData(response.body);
    const first = snapshotSchema.parse(JSON.parse(String((await messages.next()).value)));
    const loading = corral.bridge.call('load-model', { model: 'one' });
    const events: NumberedEvent[] = [];
    while (!events.some(({ event }) => event.type === 'model-changed' && event.model.state === 'ready')) {
      events.push(numberedEventSchema.parse(JSON.parse(String((await messages.next()).value))));
    }
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => first.sequence + 1 + index));
    await loading;
    gone.abort();
  });

  it('of a reader that does not read does not hold up others', async () => {
    const request = http.get(`${corral.address}/control/events`, {
      agent: false,
      headers: { authorization: `Bearer ${token}` },
    });
    request.on('error', () => undefined); // The test ends it itself.
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    const gone = new AbortController();
    const updates: number[] = [];
    const unsubscribe = corral.bridge.subscribe({
      onUpdate: ({ snapshot }) => void updates.push(snapshot.sequence),
      onDisconnect: () => gone.abort(),
    });
    await eventually('the other one begins', () => updates.length > 0);
    for (let count = 0; count < 20; count += 1) {
      corral.engine.setPinned('one', count % 2 === 0);
      await new Promise((resolve) => setTimeout(resolve, 45));
    }
    await eventually('the other one has heard them', () => updates.length >= 15);
    expect(gone.signal.aborted).toBe(false);
    unsubscribe();
    response.destroy();
  });
});
