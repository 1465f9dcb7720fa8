import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, startCorral, type TestCorral } from './support/corral.ts';
import { freePort } from './support/free-port.ts';
import { askForSocket, closeRawSockets, statusOf, type RawSocket } from './support/raw-websocket.ts';
import { socketServerModel } from './support/socket-server.ts';
import { useCorrals } from './support/use-corrals.ts';

const { start, corrals, cleanups } = useCorrals();
afterEach(closeRawSockets);

interface Remote {
  readonly url: string;
  readonly asked: IncomingMessage[];
  close(): Promise<void>;
}

type Answer = (socket: Socket, request: IncomingMessage) => void;

const agree: Answer = (socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  socket.pipe(socket);
};

const drop: Answer = (socket) => void socket.destroy();

const say =
  (status: string, headers = '', body = ''): Answer =>
  (socket) =>
    void socket.end(
      `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );

const certificate = (part: string): Buffer =>
  readFileSync(new URL(`../fixtures/tls/localhost.${part}.pem`, import.meta.url));

/** A server of the OpenAI kind that is well, has `m`, and sends back what comes over a WebSocket unless told otherwise. */
async function startRemote(answer: Answer = agree, { isTls = false } = {}): Promise<Remote> {
  const sockets = new Set<Socket>();
  const asked: IncomingMessage[] = [];
  const onRequest: http.RequestListener = (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"object":"list","data":[{"id":"m","object":"model"}]}');
  };
  const server = isTls
    ? https.createServer({ key: certificate('key'), cert: certificate('cert') }, onRequest)
    : http.createServer(onRequest);
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    asked.push(request);
    socket.on('error', () => socket.destroy());
    answer(socket, request);
  });
  const url = await listen(server, sockets);
  return {
    url: `${isTls ? 'https' : 'http'}://${url}`,
    asked,
    close: () => end(server, sockets),
  };
}

async function listen(server: net.Server, sockets: Set<Socket>): Promise<string> {
  server.on('connection', (socket: Socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => end(server, sockets));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function end(server: net.Server, sockets: Set<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}

const pool = (...urls: string[]) => ({ endpoints: urls.map((url) => ({ url, models: ['m'] })) });

const endpoints = (corral: TestCorral) => corral.engine.snapshot().pools[0]?.endpoints ?? [];
const areHealthy = (corral: TestCorral) => () => endpoints(corral).every(({ health }) => health === 'healthy');
const isFree = (corral: TestCorral) => () => endpoints(corral).every(({ activeRequests }) => activeRequests === 0);

const ask = ({ address }: TestCorral, target = '/v1/realtime?model=m', headers = {}): Promise<RawSocket> =>
  askForSocket(address, target, headers);

async function echoes(raw: RawSocket): Promise<void> {
  expect(await statusOf(raw)).toBe(101);
  raw.socket.write('to and fro');
  await eventually('it comes back', () => raw.received().endsWith('to and fro'));
}

describe('a WebSocket to a model of a pool', () => {
  it('reaches its endpoint below its base path, holds its place and is recorded', async () => {
    const remote = await startRemote();
    const corral = await start({ pools: { lab: pool(`${remote.url}/base/v1`) } });
    await eventually('it is healthy', areHealthy(corral));
    const raw = await ask(corral, '/v1/realtime?model=lab/m&voice=a%20b');
    await echoes(raw);
    expect(remote.asked[0]?.url).toBe('/base/v1/realtime?model=m&voice=a+b');
    expect(remote.asked[0]?.headers.host).toBe(new URL(remote.url).host);
    expect(endpoints(corral)).toMatchObject([{ activeRequests: 1, servedRequests: 1 }]);
    raw.socket.end();
    await raw.closed;
    await eventually('its place is free', isFree(corral));
    expect(corral.engine.listRequests(1)).toMatchObject([
      { modelId: 'lab/m', route: '/v1/realtime', status: 101, endedBy: 'client', errorCode: null },
    ]);
  });

  it('is one over TLS, too', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    // The certificate is the test's own.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const remote = await startRemote(agree, { isTls: true });
      const corral = await start({ pools: { lab: pool(remote.url) } });
      await eventually('it is healthy', areHealthy(corral));
      await echoes(await ask(corral));
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, 'NODE_TLS_REJECT_UNAUTHORIZED');
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  it('brings the endpoint’s key, never the client’s, and says which Corral it comes from', async () => {
    const remote = await startRemote();
    const corral = await start({
      server: { apiKeys: [{ name: 'phone', key: 'client-key', models: ['lab/m'] }] },
      pools: { lab: { endpoints: [{ url: remote.url, apiKey: 'remote-key', models: ['m', 'secret'] }] } },
    });
    await eventually('it is healthy', areHealthy(corral));
    const headers = { Authorization: 'Bearer client-key', Cookie: 'canary=1' };
    await echoes(await ask(corral, '/v1/realtime?model=m', headers));
    const sent = remote.asked[0]?.headers ?? {};
    expect(sent.authorization).toBe('Bearer remote-key');
    expect(sent['x-corral-via']).toMatch(/^[0-9a-f]+$/);
    expect(JSON.stringify(sent)).not.toMatch(/client-key|canary/);
    expect(await statusOf(await ask(corral, '/v1/realtime?model=secret', headers))).toBe(403);
    expect(remote.asked).toHaveLength(1);
  });

  it.each([
    ['is busy', say('503 Busy', 'Retry-After: 30\r\n')],
    ['closes the connection', drop],
  ])('goes to the next endpoint if one %s', async (_what, answer) => {
    const bad = await startRemote(answer);
    const good = await startRemote();
    const corral = await start({ pools: { lab: pool(bad.url, good.url) } });
    await eventually('both are healthy', areHealthy(corral));
    for (let count = 0; count < 2; count += 1) await echoes(await ask(corral));
    expect(bad.asked, 'it is left alone for a while').toHaveLength(1);
    expect(endpoints(corral).map(({ activeRequests }) => activeRequests)).toEqual([0, 2]);
  });

  it('goes to the next endpoint if one is silent, or gone', async () => {
    const silent = await startRemote(() => undefined);
    const gone = await startRemote();
    const good = await startRemote();
    const corral = await start({
      server: { timeouts: { response: '200ms' } },
      pools: { lab: pool(gone.url, silent.url, good.url) },
    });
    await eventually('all are healthy', areHealthy(corral));
    await gone.close();
    for (let count = 0; count < 3; count += 1) await echoes(await ask(corral));
    expect([gone.asked.length, silent.asked.length > 0]).toEqual([0, true]);
  });

  it('gives up a connection that does not come about', async () => {
    const sockets = new Set<Socket>();
    // Takes connections and never says a word of TLS.
    const mute = await listen(net.createServer(), sockets);
    const health = { interval: '1h', timeout: '300ms' };
    const corral = await start({
      pools: { lab: { endpoints: [{ url: `https://${mute}`, models: ['m'] }], health } },
    });
    const refused = await ask(corral);
    expect(await statusOf(refused)).toBe(503);
    expect(refused.received()).toContain('no connection within 300 ms');
    expect(refused.received()).toContain('x-corral-error: pool-unavailable');
  });

  it.each([
    ['a status of the request’s own fault', '401 Unauthorized'],
    ['the last one’s refusal', '429 Busy'],
  ])('is told %s in the endpoint’s own words', async (_what, status) => {
    const remote = await startRemote(say(status, 'X-Own: yes\r\nRetry-After: 7\r\n', 'own words'));
    const corral = await start({ pools: { lab: pool(remote.url) } });
    await eventually('it is healthy', areHealthy(corral));
    const raw = await ask(corral);
    expect(await statusOf(raw)).toBe(Number(status.slice(0, 3)));
    await raw.closed;
    expect(raw.received()).toMatch(/x-own: yes\r\n[\s\S]*\r\n\r\nown words$/i);
    expect(raw.received()).not.toContain('x-corral-error');
    await eventually('its place is free', isFree(corral));
  });

  it('waits for a place, and leaves the queue with its client', async () => {
    const remote = await startRemote();
    const corral = await start({
      pools: { lab: { endpoints: [{ url: remote.url, models: ['m'], concurrency: 1 }] } },
    });
    await eventually('it is healthy', areHealthy(corral));
    const first = await ask(corral);
    await echoes(first);
    const second = await ask(corral);
    const third = await ask(corral);
    const waiting = (count: number) => () => corral.engine.snapshot().queue.length === count;
    await eventually('two wait', waiting(2));
    second.socket.end();
    await eventually('one waits', waiting(1));
    expect(third.received()).toBe('');
    first.socket.destroy();
    await echoes(third);
    expect(remote.asked).toHaveLength(2);
  });

  it('keeps a user on one endpoint', async () => {
    const a = await startRemote();
    const b = await startRemote();
    const corral = await start({ pools: { lab: { ...pool(a.url, b.url), sticky: 'user' } } });
    await eventually('both are healthy', areHealthy(corral));
    for (let count = 0; count < 4; count += 1) await echoes(await ask(corral, '/v1/realtime?model=m&user=ann'));
    expect([a.asked.length, b.asked.length].sort()).toEqual([0, 4]);
    for (let count = 0; count < 4; count += 1) await echoes(await ask(corral));
    expect(a.asked.length > 0 && b.asked.length > 0).toBe(true);
  });

  it('has the grace period when Corral is stopped, and is closed then', async () => {
    const remote = await startRemote();
    const corral = await start({ server: { timeouts: { shutdown: '300ms' } }, pools: { lab: pool(remote.url) } });
    await eventually('it is healthy', areHealthy(corral));
    const raw = await ask(corral);
    await echoes(raw);
    const stopping = corral.engine.stop();
    raw.socket.write('still here');
    await eventually('it answers', () => raw.received().endsWith('still here'));
    await raw.closed;
    await stopping;
  });

  it('goes through two Corrals to a model’s server, and in no circle', async () => {
    const folder = await createTestFolder();
    const back = await startCorral({ models: { m: await socketServerModel(folder) } }, { folder });
    corrals.push(back);
    const front = await start({ pools: { herd: pool(back.address) } });
    await eventually('it is healthy', areHealthy(front));
    const raw = await ask(front, '/v1/realtime?model=m&mode=raw');
    await echoes(raw);
    expect(back.model('m').activeRequests).toBe(1);

    const [one, two] = [await freePort(), await freePort()];
    const first = await start({ server: { port: one }, pools: { other: pool(`http://127.0.0.1:${two}`) } });
    const second = await start({ server: { port: two }, pools: { other: pool(`http://127.0.0.1:${one}`) } });
    await eventually('they know each other', () => areHealthy(first)() && areHealthy(second)(), 10_000);
    const circle = await ask(first);
    expect(await statusOf(circle)).toBe(508);
    expect(circle.received()).toContain('leads back to this Corral');
  });
});
