import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, startCorral, type TestCorral } from './support/corral.ts';
import { freePort } from './support/free-port.ts';
import { askForSocket, closeRawSockets, statusOf, type RawSocket } from './support/raw-websocket.ts';
import { socketServerModel } from './support/socket-server.ts';

let corral: TestCorral | undefined;
afterEach(async () => {
  closeRawSockets();
  await corral?.stop();
  corral = undefined;
});

async function start(config: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Promise<TestCorral> {
  const folder = await createTestFolder();
  const one = await socketServerModel(folder, more);
  corral = await startCorral({ memory: { maxLoaded: 1 }, models: { one, two: { ...one } }, ...config }, { folder });
  return corral;
}

function ask(
  { address }: TestCorral,
  target: string,
  headers?: Record<string, string>,
  more?: { rest?: string; method?: string },
): Promise<RawSocket> {
  return askForSocket(address, target, headers, more);
}

interface Stats {
  readonly open: number;
  readonly sent: number;
  readonly last?: { readonly url: string; readonly headers: Record<string, string>; readonly early: string };
}

async function stats({ address }: TestCorral): Promise<Stats> {
  const response = await fetch(`${address}/upstream/one/stats`);
  return (await response.json()) as Stats;
}

async function isFree(running: TestCorral): Promise<void> {
  await eventually('the slot is free', () => running.model('one').activeRequests === 0);
  await eventually('the model has no socket', async () => (await stats(running)).open === 0);
}

describe('a WebSocket', () => {
  it('reaches the model of its query, which it starts, and is closed in order', async () => {
    const running = await start();
    const client = new WebSocket(`${running.address.replace('http', 'ws')}/v1/realtime?model=one&voice=a%20b`, [
      'realtime',
    ]);
    const messages: string[] = [];
    client.onmessage = ({ data }) => messages.push(String(data));
    await new Promise((resolve, reject) => {
      client.onopen = resolve;
      client.onerror = reject;
    });
    expect(client.protocol).toBe('realtime');
    expect(running.model('one')).toMatchObject({ state: 'ready', activeRequests: 1 });
    for (const text of ['hello', 'wörld', 'x'.repeat(100)]) client.send(text);
    await eventually('all come back', () => messages.length === 3);
    expect(messages).toEqual(['hello', 'wörld', 'x'.repeat(100)]);
    const { last } = await stats(running);
    expect(last?.url).toBe('/v1/realtime?model=one&voice=a%20b');
    expect(last?.headers['host']).toMatch(/^127\.0\.0\.1:\d+$/);
    const closed = new Promise((resolve) => (client.onclose = resolve));
    client.close(1000, 'done');
    expect(await closed).toMatchObject({ code: 1000, wasClean: true });
    await isFree(running);
    await eventually('it is recorded', async () => {
      const { requests } = await running.bridge.call('list-requests', {});
      return requests.some(
        ({ route, status, modelId }) => route === '/v1/realtime' && status === 101 && modelId === 'one',
      );
    });
  });

  it('below /upstream/ reaches a loaded model, and starts none unless it says so', async () => {
    const running = await start();
    const refused = await ask(running, '/upstream/one/any/path?a=1');
    expect(await statusOf(refused)).toBe(503);
    expect(refused.received()).toContain('x-corral-error: not-loaded');
    await refused.closed;
    expect(running.model('one').state).toBe('off');
    expect(await statusOf(await ask(running, '/upstream/one/any/path?mode=raw&corral-start=1'))).toBe(101);
    expect((await stats(running)).last?.url).toBe('/any/path?mode=raw');
    expect(await statusOf(await ask(running, '/upstream/one/any?mode=raw'))).toBe(101);
  });

  it('reaches a server that has a path before all of its routes', async () => {
    const folder = await createTestFolder();
    const port = await freePort();
    const { command, health } = await socketServerModel(folder);
    const own = (command as string[]).map((word) => (word === '${PORT}' ? String(port) : word));
    const one = { command: own, health, proxy: `http://127.0.0.1:${port}/deep` };
    const running = await startCorral({ models: { one } }, { folder });
    corral = running;
    expect(await statusOf(await ask(running, '/v1/realtime?model=one&mode=raw'))).toBe(101);
    const response = await fetch(`http://127.0.0.1:${port}/stats`);
    expect(((await response.json()) as Stats).last?.url).toBe('/deep/v1/realtime?model=one&mode=raw');
  });

  it('is passed on both ways byte for byte, what came early first', async () => {
    const running = await start();
    const raw = await ask(running, '/v1/realtime?model=one&mode=raw', {}, { rest: 'early ' });
    expect(await statusOf(raw)).toBe(101);
    expect(raw.received()).toMatch(/\r\nx-server: yes\r\n/i);
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    raw.socket.write(bytes);
    const body = (): string => raw.received().slice(raw.received().indexOf('\r\n\r\n') + 4);
    await eventually('all come back', () => body().length === bytes.length + 6);
    expect(Buffer.from(body(), 'latin1').equals(Buffer.concat([Buffer.from('early '), bytes]))).toBe(true);
    raw.socket.end();
    await raw.closed;
    await isFree(running);
  });

  it('holds the model back while its client does not read', async () => {
    const running = await start();
    const raw = await ask(running, '/v1/realtime?model=one&mode=flood');
    expect(await statusOf(raw)).toBe(101);
    raw.socket.pause();
    let before = -1;
    await eventually('the flood stands still', async () => {
      const { sent } = await stats(running);
      const isStill = sent === before;
      before = sent;
      await sleep(50);
      return isStill;
    });
    expect(before).toBeLessThan(64 * 1024 * 1024);
    raw.socket.destroy();
    await isFree(running);
  });

  it('takes no key, cookie or origin along, and brings one among its protocols', async () => {
    const server = { apiKeys: [{ name: 'ann', key: 'ann-key' }], allowedOrigins: ['https://chat.example'] };
    const running = await start({ server });
    const headers = {
      Origin: 'https://chat.example',
      Cookie: 'canary=1',
      'Sec-WebSocket-Protocol': 'realtime, openai-insecure-api-key.ann-key, beta',
    };
    const raw = await ask(running, '/v1/realtime?model=one&mode=raw', headers);
    expect(await statusOf(raw)).toBe(101);
    expect(raw.received()).toMatch(/sec-websocket-protocol: realtime\r\n/i);
    const sent = JSON.stringify((await stats(running)).last?.headers);
    expect(sent).toContain('realtime, beta');
    expect(sent).not.toMatch(/ann-key|canary|chat\.example/);
    const wrong = { 'Sec-WebSocket-Protocol': 'openai-insecure-api-key.wrong' };
    expect(await statusOf(await ask(running, '/v1/realtime?model=one', wrong))).toBe(401);
    const bearer = { Authorization: 'Bearer ann-key' };
    expect(await statusOf(await ask(running, '/v1/realtime?model=one&mode=raw', bearer))).toBe(101);
    closeRawSockets();
    await eventually('it is recorded in its lane', async () => {
      const { requests } = await running.bridge.call('list-requests', {});
      return requests.some(({ route, lane }) => route === '/v1/realtime' && lane === 'ann');
    });
  });

  it.each([
    ['a host that is not ours', '/v1/realtime?model=one', { Host: 'evil.example' }, 403],
    ['a page of somebody else', '/v1/realtime?model=one', { Origin: 'https://evil.example' }, 403],
    ['a page without an origin', '/v1/realtime?model=one', { Origin: 'null' }, 403],
    ['no model', '/v1/realtime', {}, 400],
    ['an unknown model', '/v1/realtime?model=none', {}, 404],
    ['a path of Corral itself', '/control/events', {}, 404],
    ['the model list', '/v1/models?model=one', {}, 404],
    ['a route that is closed', '/upstream/one/tools', {}, 403],
    ['a route that is closed, hidden', '/v1/%2e%2e/cors-proxy?model=one', {}, 403],
    ['a priority that is none', '/v1/realtime?model=one', { 'X-Request-Priority': 'high' }, 400],
  ])('is refused for %s, in HTTP, and starts nothing', async (_what, target, headers, status) => {
    const running = await start();
    const raw = await ask(running, target, headers);
    expect(await statusOf(raw)).toBe(status);
    expect(raw.received()).toMatch(/connection: close\r\n/i);
    expect(raw.received()).toContain('"source":"corral"');
    await raw.closed;
    expect(running.model('one').state).toBe('off');
  });

  it('is refused unless it begins with GET', async () => {
    const raw = await ask(await start(), '/v1/realtime?model=one', { 'Content-Length': '0' }, { method: 'POST' });
    expect(await statusOf(raw)).toBe(405);
  });

  it('is refused in the words of the model’s server, and gives its slot back', async () => {
    const running = await start();
    const raw = await ask(running, '/v1/realtime?model=one&mode=refuse');
    expect(await statusOf(raw)).toBe(418);
    await raw.closed;
    expect(raw.received()).toMatch(/ Teapot\r\n.*\r\n\r\nshort$/s);
    await isFree(running);
  });

  it('is told why when the model’s process dies before it agrees, and closed when it dies later', async () => {
    const running = await start({ server: { timeouts: { response: '200ms' } } });
    const silent = await ask(running, '/v1/realtime?model=one&mode=silent');
    expect(await statusOf(silent)).toBe(504);
    const dying = await ask(running, '/v1/realtime?model=one&mode=die');
    await dying.closed;
    await eventually('the slot is free', () => running.model('one').activeRequests === 0);
  });

  it('waits in the queue for a slot, and leaves it with its client', async () => {
    const running = await start({}, { concurrency: 1 });
    const first = await ask(running, '/v1/realtime?model=one&mode=raw');
    expect(await statusOf(first)).toBe(101);
    const second = await ask(running, '/v1/realtime?model=one&mode=raw');
    const third = await ask(running, '/v1/realtime?model=one&mode=raw');
    await eventually('two wait', () => running.model('one').waitingRequests === 2);
    // Half a goodbye is one: nobody speaks WebSocket to half a connection.
    second.socket.end();
    await eventually('one waits', () => running.model('one').waitingRequests === 1);
    expect(third.received()).toBe('');
    first.socket.destroy();
    expect(await statusOf(third)).toBe(101);
  });

  it('that talks too much before it is let in is closed', async () => {
    const running = await start({}, { concurrency: 1 });
    expect(await statusOf(await ask(running, '/v1/realtime?model=one&mode=raw'))).toBe(101);
    const loud = await ask(running, '/v1/realtime?model=one&mode=raw', {}, { rest: 'x'.repeat(100_000) });
    await loud.closed;
    await eventually('nobody waits', () => running.model('one').waitingRequests === 0);
  });

  it('keeps its model loaded, and goes with it when it is ejected now', async () => {
    const running = await start();
    const raw = await ask(running, '/v1/realtime?model=one&mode=raw');
    expect(await statusOf(raw)).toBe(101);
    const other = ask(running, '/v1/realtime?model=two&mode=raw');
    await eventually('the other waits for room', () => running.model('two').waitingRequests === 1);
    raw.socket.write('still here');
    await eventually('it answers', () => raw.received().endsWith('still here'));
    await running.bridge.call('eject-model', { model: 'one', mode: 'now' });
    await raw.closed;
    expect(await statusOf(await other)).toBe(101);
  });

  it('has the grace period when Corral is stopped, and is closed then', async () => {
    const running = await start({ server: { timeouts: { shutdown: '400ms' } } });
    const raw = await ask(running, '/v1/realtime?model=one&mode=raw');
    expect(await statusOf(raw)).toBe(101);
    const stopping = running.engine.stop();
    raw.socket.write('still here');
    await eventually('it answers', () => raw.received().endsWith('still here'));
    expect(await statusOf(await ask(running, '/v1/realtime?model=one'))).toBe(503);
    await raw.closed;
    await stopping;
  });

  it('whose client asked for nothing ends with Corral all the same', async () => {
    const running = await start({ server: { timeouts: { shutdown: '0s' } } });
    const raw = await ask(running, '/v1/realtime?model=one&mode=hold');
    expect(await statusOf(raw)).toBe(101);
    await running.engine.stop();
    await raw.closed;
  });
});

describe('a request that would rather talk HTTP/2', () => {
  const wish = { Connection: 'Upgrade, HTTP2-Settings, close', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };

  it('is answered as what it is', async () => {
    const running = await start();
    const body = '{"model":"one"}';
    const headers = { ...wish, 'Content-Length': String(body.length), 'X-Kept': 'yes' };
    const raw = await ask(running, '/v1/embeddings', headers, { method: 'POST', rest: body });
    await raw.closed;
    expect(raw.received()).toMatch(/^HTTP\/1\.1 200 /);
    expect(raw.received()).toContain('"x-kept":"yes"');
    expect(raw.received()).not.toMatch(/h2c|http2-settings/i);
  });

  it('is refused by the same guards', async () => {
    const running = await start();
    const foreign = await ask(running, '/health', { ...wish, Host: 'evil.example' });
    expect(await statusOf(foreign)).toBe(403);
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`X-${index}`, '1']));
    expect(await statusOf(await ask(running, '/health', { ...wish, ...many }))).toBe(400);
    expect(await statusOf(await ask(running, '/health', wish))).toBe(200);
  });
});
