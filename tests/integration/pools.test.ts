import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually, fakeModel, type TestCorral } from './support/corral.ts';
import { useCorrals } from './support/use-corrals.ts';

const { start, corrals, cleanups } = useCorrals();

interface Remote {
  readonly url: string;
  /** Bodies of chat requests, newest last. */
  readonly chats: { headers: IncomingMessage['headers']; body: Record<string, unknown>; path: string }[];
  lists: number;
  close(): Promise<void>;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

/** A server of the OpenAI kind that says its name. */
async function startRemote(
  name: string,
  { models = [name], answer, key, port = 0 }: { models?: string[]; answer?: Answer; key?: string; port?: number } = {},
): Promise<Remote> {
  const sockets = new Set<Socket>();
  const remote: Remote = {
    url: '',
    chats: [],
    lists: 0,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  const server = http.createServer((request, response) => {
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url?.endsWith('/health') === true) {
      json(200, { status: 'ok' });
      return;
    }
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      json(401, { error: 'no' });
      return;
    }
    if (request.url?.endsWith('/v1/models') === true) {
      remote.lists += 1;
      json(200, { object: 'list', data: models.map((id) => ({ id, object: 'model', owned_by: name })) });
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
      remote.chats.push({ headers: request.headers, body, path: request.url ?? '' });
      if (answer !== undefined) answer(response, request);
      else json(200, { choices: [{ message: { role: 'assistant', content: name } }], model: body['model'] });
    });
  });
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  Object.assign(remote, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  cleanups.push(() => (server.listening ? remote.close() : Promise.resolve()));
  return remote;
}

async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function healthOf(corral: TestCorral, index = 0): string | undefined {
  return corral.engine.snapshot().pools[0]?.endpoints[index]?.health;
}

const areHealthy = (corral: TestCorral) => () =>
  corral.engine.snapshot().pools.every(({ endpoints }) => endpoints.every(({ health }) => health === 'healthy'));

async function ask(corral: TestCorral, model: string, more: Record<string, unknown> = {}, headers = {}) {
  const response = await corral.post(
    '/v1/chat/completions',
    { model, messages: [{ role: 'user', content: 'Hello' }], ...more },
    { headers },
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const content = (text: string): string =>
  (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message.content;

const pool = (...urls: string[]) => ({ endpoints: urls.map((url) => ({ url })) });

describe('a pool', () => {
  it('loses no request to an endpoint that closes the connection behind a stream, as llama-server does', async () => {
    const remote = await startRemote('far', {
      answer(response, request) {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'keep-alive': 'timeout=5' });
        response.end('data: {}\n\n', () => setTimeout(() => request.socket.destroy(), 3));
      },
    });
    const corral = await start({ pools: { lab: pool(remote.url) } });
    await eventually('the endpoint is healthy', areHealthy(corral));
    for (let count = 0; count < 30; count += 1) {
      expect(await ask(corral, 'far', { stream: true })).toMatchObject({ status: 200, text: 'data: {}\n\n' });
    }
  });

  it('answers for what is not here, and leaves to local models what is', async () => {
    const remote = await startRemote('far', { models: ['far', 'near'] });
    const corral = await start({
      models: { near: fakeModel({ name: 'near' }) },
      pools: { lab: pool(`${remote.url}/v1/`) },
    });
    await eventually('the endpoint is healthy', areHealthy(corral));

    expect(content((await ask(corral, 'far')).text)).toBe('far');
    expect(remote.chats.map(({ path, body }) => [path, body['model']])).toEqual([['/v1/chat/completions', 'far']]);
    expect(await corral.chat('near')).toContain('near');
    expect(remote.chats).toHaveLength(1);
    expect(content((await ask(corral, 'lab/near')).text)).toBe('far');
    expect(remote.chats.at(-1)?.body['model']).toBe('near');

    const list = (await (await fetch(`${corral.address}/v1/models`)).json()) as {
      data: { id: string; owned_by: string; corral: Record<string, unknown> }[];
    };
    expect(list.data.map(({ id, owned_by }) => [id, owned_by])).toEqual([
      ['near', 'corral'],
      ['far', 'far'],
    ]);
    expect(list.data[1]?.corral).toMatchObject({ pool: 'lab', state: 'available', via: [] });
    const one = await fetch(`${corral.address}/v1/models/far`);
    expect(await one.json()).toMatchObject({ id: 'far', corral: { pool: 'lab' } });
  });

  it('leaves records and metrics, and shows its endpoints', async () => {
    const remote = await startRemote('far');
    const corral = await start({ pools: { lab: pool(remote.url) } });
    await eventually('the endpoint is healthy', areHealthy(corral));
    await ask(corral, 'far');
    await ask(corral, 'made-up-name');
    const records = corral.engine.listRequests(10);
    expect(records.map(({ modelId, status, endedBy }) => [modelId, status, endedBy])).toEqual([
      ['lab/*', 200, 'model'],
      ['lab/far', 200, 'model'],
    ]);
    const metrics = await (await fetch(`${corral.address}/metrics`)).text();
    expect(metrics).toMatch(/corral_requests_total\{model="lab\/far",[^}]*\} 1/);
    expect(metrics).toMatch(/corral_pool_endpoint_up\{pool="lab",endpoint="[^"]+"\} 1/);
    expect(corral.engine.snapshot().models, 'no demo beside a pool').toEqual([]);
    expect(corral.engine.snapshot().pools).toMatchObject([
      { name: 'lab', endpoints: [{ url: remote.url, health: 'healthy', modelCount: 1, servedRequests: 2 }] },
    ]);
  });

  it('starts with dead endpoints, says so, and uses them once they are there', async () => {
    const port = await closedPort();
    const corral = await start({ pools: { lab: pool(`http://127.0.0.1:${port}`) } });
    await eventually('it is seen', () => healthOf(corral) === 'down');
    const refused = await ask(corral, 'late');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(refused.text).toContain('pool_unavailable');
    expect(refused.text).toContain('connection refused');
    await startRemote('late', { port });
    await eventually('it is back', () => healthOf(corral) === 'healthy', 10_000);
    expect(content((await ask(corral, 'late')).text)).toBe('late');
    expect(corral.logLines.filter((line) => /is back/.test(line))).toHaveLength(1);
  });

  it('gives keys of its own and never the client’s', async () => {
    const remote = await startRemote('far', { key: 'remote-key' });
    const corral = await start({
      server: { apiKeys: [{ name: 'phone', key: 'client-key' }] },
      pools: { lab: { endpoints: [{ url: remote.url, apiKey: 'remote-key' }] } },
    });
    await eventually('the endpoint is healthy', areHealthy(corral));
    const answered = await ask(
      corral,
      'far',
      {},
      { authorization: 'Bearer client-key', cookie: 'a=b', 'x-api-key': 'client-key' },
    );
    expect(answered.status).toBe(200);
    expect(remote.chats[0]?.headers.authorization).toBe('Bearer remote-key');
    expect(JSON.stringify(remote.chats[0]?.headers)).not.toContain('client-key');
    expect(remote.chats[0]?.headers.cookie).toBeUndefined();
    expect(JSON.stringify(corral.engine.snapshot())).not.toContain('remote-key');
    const settings = await corral.bridge.call('read-settings', {});
    expect(JSON.stringify(settings)).not.toContain('remote-key');
  });

  it('holds the models a key may use', async () => {
    const remote = await startRemote('far', { models: ['far', 'secret'] });
    const corral = await start({
      server: { apiKeys: [{ name: 'phone', key: 'client-key', models: ['lab/far'] }] },
      pools: { lab: pool(remote.url) },
    });
    await eventually('the endpoint is healthy', areHealthy(corral));
    const headers = { authorization: 'Bearer client-key' };
    expect((await ask(corral, 'far', {}, headers)).status).toBe(200);
    expect((await ask(corral, 'secret', {}, headers)).status).toBe(403);
    expect((await ask(corral, 'lab/secret', {}, headers)).status).toBe(403);
    const list = (await (await fetch(`${corral.address}/v1/models`, { headers })).json()) as { data: { id: string }[] };
    expect(list.data.map(({ id }) => id)).toEqual(['far']);
  });
});

describe('a pool that changes while Corral runs', () => {
  it('lets what runs on an endpoint that goes finish, and keeps what is known of one that stays', async () => {
    const held: ServerResponse[] = [];
    const a = await startRemote('a', { models: ['m'], answer: (response) => held.push(response) });
    const b = await startRemote('b', { models: ['m'] });
    const corral = await start({ pools: { lab: pool(a.url) } });
    await eventually('it is healthy', areHealthy(corral));
    const first = ask(corral, 'm');
    await eventually('it runs', () => held.length === 1);
    await corral.folder.write('config.yaml', `pools: { lab: { endpoints: [{ url: "${b.url}" }] } }`);
    await eventually('the other one is in use', () => corral.engine.snapshot().pools[0]?.endpoints[0]?.url === b.url);
    await eventually('it is healthy', areHealthy(corral));
    expect(content((await ask(corral, 'm')).text)).toBe('b');
    held[0]?.writeHead(200).end('{"choices":[{"message":{"content":"a"}}]}');
    expect(content((await first).text)).toBe('a');
    const lists = b.lists;
    await corral.folder.write('config.yaml', `pools: { lab: { endpoints: [{ url: "${b.url}" }], sticky: user } }`);
    await eventually('it is sticky', () => corral.engine.snapshot().pools[0]?.sticky === 'user');
    expect([healthOf(corral), b.lists]).toEqual(['healthy', lists]);
  });
});

describe('failover', () => {
  it.each([
    [503, { 'retry-after': '30' }],
    [502, {}],
    [504, {}],
    [429, {}],
  ])('asks the next endpoint when one refuses with %s', async (status, headers) => {
    const busy = await startRemote('busy', {
      models: ['m'],
      answer: (response) => response.writeHead(status, headers).end('{}'),
    });
    const good = await startRemote('good', { models: ['m'] });
    const corral = await start({ pools: { lab: pool(busy.url, good.url) } });
    await eventually('both are healthy', areHealthy(corral));
    for (let count = 0; count < 3; count += 1) expect(content((await ask(corral, 'm')).text)).toBe('good');
    expect(busy.chats, 'it is left alone for a while').toHaveLength(1);
    expect(good.chats.map(({ body }) => body)).toEqual(Array(3).fill(busy.chats[0]?.body));
  });

  it('hands the last one’s own refusal to the client', async () => {
    const busy = await startRemote('busy', {
      answer: (response) => response.writeHead(429, { 'retry-after': '7' }).end('{"error":{"message":"own words"}}'),
    });
    const corral = await start({ pools: { lab: pool(busy.url) } });
    await eventually('it is healthy', areHealthy(corral));
    const refused = await ask(corral, 'busy');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7']);
    expect(refused.text).toContain('own words');
    expect(refused.headers.get('x-corral-error')).toBeNull();
  });

  it('does not ask twice what one may have begun to work on', async () => {
    const dropping = await startRemote('dropping', {
      models: ['m'],
      answer: (_response, request) => request.socket.destroy(),
    });
    const good = await startRemote('good', { models: ['m'] });
    const corral = await start({
      pools: { lab: { endpoints: [{ url: dropping.url }, { url: good.url, models: ['other', 'm'] }] } },
    });
    await eventually('both are healthy', areHealthy(corral));
    const answers = [await ask(corral, 'm'), await ask(corral, 'm')];
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 502]);
    expect([dropping.chats.length, good.chats.length]).toEqual([1, 1]);
  });

  it('passes an error that is the request’s own fault on', async () => {
    const strict = await startRemote('strict', {
      models: ['m'],
      answer: (response) => response.writeHead(400).end('no'),
    });
    const good = await startRemote('good', { models: ['m'] });
    const corral = await start({ pools: { lab: pool(strict.url, good.url) } });
    await eventually('both are healthy', areHealthy(corral));
    const answers = [await ask(corral, 'm'), await ask(corral, 'm')];
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it('loses no request when an endpoint dies between two', async () => {
    const a = await startRemote('a', { models: ['m'] });
    const b = await startRemote('b', { models: ['m'] });
    const corral = await start({ pools: { lab: pool(a.url, b.url) } });
    await eventually('both are healthy', areHealthy(corral));
    const before = [await ask(corral, 'm'), await ask(corral, 'm')].map(({ text }) => content(text));
    expect(before.sort()).toEqual(['a', 'b']);
    await a.close();
    for (let count = 0; count < 4; count += 1) expect(content((await ask(corral, 'm')).text)).toBe('b');
    await eventually('the dead one is known', () => healthOf(corral) === 'down');
  });

  it('ends a stream that broke off with an error event, and asks nobody else', async () => {
    const half = await startRemote('half', {
      models: ['m'],
      answer(response) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: {"choices":[{"delta":{"content":"half"}}]}\n\n');
        setTimeout(() => response.destroy(), 20);
      },
    });
    const other = await startRemote('other', { models: ['m'] });
    const corral = await start({ pools: { lab: pool(half.url, other.url) } });
    await eventually('both are healthy', areHealthy(corral));
    const answers = [await ask(corral, 'm', { stream: true }), await ask(corral, 'm', { stream: true })];
    const broken = answers.find(({ text }) => text.includes('half'));
    expect(broken?.text).toContain('"code":"upstream_unavailable"');
    expect(broken?.text).toContain('broke off in the middle of its answer');
    expect([half.chats.length, other.chats.length]).toEqual([1, 1]);
  });
});

describe('who gets which endpoint', () => {
  it('keeps a user on one endpoint until it is gone, and anonymous requests on none', async () => {
    const a = await startRemote('a', { models: ['m', 'n'] });
    const b = await startRemote('b', { models: ['m', 'n'] });
    const corral = await start({ pools: { lab: { ...pool(a.url, b.url), sticky: 'user' } } });
    await eventually('both are healthy', areHealthy(corral));
    const who = async (user?: string): Promise<string> =>
      content((await ask(corral, 'm', user === undefined ? {} : { user })).text);
    const anonymous = [await who(), await who(), await who(), await who()];
    expect(anonymous.sort()).toEqual(['a', 'a', 'b', 'b']);
    const [ann, ben] = [await who('ann'), await who('ben')];
    expect(ann).not.toBe(ben);
    for (let count = 0; count < 3; count += 1) {
      expect(await who('ann')).toBe(ann);
      expect(await who()).toMatch(/[ab]/);
      expect(await who('ben')).toBe(ben);
    }
    expect(corral.engine.snapshot().pools[0]?.stickyUsers).toBe(2);
    await (ann === 'a' ? a : b).close();
    expect(await who('ann')).toBe(ben);
  });

  it('takes the key for the user where the request names none', async () => {
    const a = await startRemote('a', { models: ['m'] });
    const b = await startRemote('b', { models: ['m'] });
    const corral = await start({
      server: {
        apiKeys: [
          { name: 'one', key: 'key-one' },
          { name: 'two', key: 'key-two' },
        ],
      },
      pools: { lab: { ...pool(a.url, b.url), sticky: 'user' } },
    });
    await eventually('both are healthy', areHealthy(corral));
    const who = async (key: string): Promise<string> =>
      content((await ask(corral, 'm', {}, { authorization: `Bearer ${key}` })).text);
    const [one, two] = [await who('key-one'), await who('key-two')];
    expect(one).not.toBe(two);
    for (let count = 0; count < 3; count += 1) expect([await who('key-one'), await who('key-two')]).toEqual([one, two]);
  });

  it('keeps an endpoint’s limit, shows who waits, and lets them be cancelled', async () => {
    const held: ServerResponse[] = [];
    const slow = await startRemote('slow', { answer: (response) => held.push(response) });
    const corral = await start({
      pools: { lab: { endpoints: [{ url: slow.url, concurrency: 1 }], queue: { max: 2 } } },
    });
    await eventually('it is healthy', areHealthy(corral));
    const release = (): void => void held.shift()?.writeHead(200).end('{"choices":[{"message":{"content":"done"}}]}');
    const first = ask(corral, 'slow');
    await eventually('the first one runs', () => held.length === 1);
    const second = ask(corral, 'slow');
    const third = ask(corral, 'slow');
    await eventually('two wait', () => corral.engine.snapshot().queue.length === 2);
    const queue = corral.engine.snapshot().queue;
    expect(queue.map(({ modelId, waitsFor, position }) => [modelId, waitsFor, position])).toEqual([
      ['lab/slow', 'slot', 1],
      ['lab/slow', 'slot', 2],
    ]);
    expect((await ask(corral, 'slow')).status, 'the queue is full').toBe(429);
    corral.engine.cancelRequest(queue[0]?.id ?? '');
    const cancelled = await Promise.race([second, third]);
    expect(cancelled.status).toBe(503);
    release();
    await eventually('the other one runs', () => held.length === 1);
    expect(slow.chats).toHaveLength(2);
    release();
    expect([(await first).status, (await second).status, (await third).status].sort()).toEqual([200, 200, 503]);
  });

  it('tells who watches of each check, so that nobody takes a fresh one for an old one', async () => {
    const remote = await startRemote('far');
    const corral = await start({ pools: { lab: { ...pool(remote.url), health: { interval: '50ms' } } } });
    const checks = new Set<number | null | undefined>();
    const unsubscribe = corral.bridge.subscribe({
      onUpdate({ snapshot: { pools } }) {
        if (pools[0]?.endpoints[0]?.health === 'healthy') checks.add(pools[0].endpoints[0].checkedAt);
      },
      onDisconnect: () => undefined,
    });
    await eventually('it heard of several checks', () => checks.size >= 3);
    unsubscribe();
  });

  it('drops a request upstream when its client goes away', async () => {
    let hasEnded = false;
    const slow = await startRemote('slow', {
      answer: (response) => response.on('close', () => (hasEnded = !response.writableFinished)),
    });
    const corral = await start({ pools: { lab: pool(slow.url) } });
    await eventually('it is healthy', areHealthy(corral));
    const controller = new AbortController();
    const gone = corral
      .post('/v1/chat/completions', { model: 'slow', messages: [] }, { signal: controller.signal })
      .catch(() => undefined);
    await eventually('it arrived', () => slow.chats.length === 1);
    controller.abort();
    await gone;
    await eventually('it is gone there, too', () => hasEnded);
    expect(corral.engine.snapshot().pools[0]?.endpoints[0]?.activeRequests).toBe(0);
  });
});

describe('Corrals behind one another', () => {
  it('answer through the pool, and one that is stopped is not missed', async () => {
    const left = await start({ models: { shared: fakeModel({ name: 'left' }) } });
    const right = await start({ models: { shared: fakeModel({ name: 'right' }), own: fakeModel({ name: 'own' }) } });
    const front = await start({ pools: { herd: pool(left.address, right.address) } });
    await eventually('both are healthy', areHealthy(front));
    const said = [await front.chat('shared'), await front.chat('shared')].map((text) => text.slice(0, 4)).sort();
    expect(said).toEqual(['left', 'righ']);
    expect(await front.chat('own')).toContain('own');
    const listed = async (): Promise<string[]> => {
      const { data } = (await (await fetch(`${front.address}/v1/models`)).json()) as { data: { id: string }[] };
      return data.map(({ id }) => id).sort();
    };
    expect(await listed()).toEqual(['own', 'shared']);
    corrals.splice(corrals.indexOf(left), 1);
    await left.stop();
    for (let count = 0; count < 3; count += 1) expect(await front.chat('shared')).toContain('right');
  });

  it('find out that they point at each other', async () => {
    const [one, two] = [await closedPort(), await closedPort()];
    const first = await start({ server: { port: one }, pools: { other: pool(`http://127.0.0.1:${two}`) } });
    const second = await start({ server: { port: two }, pools: { other: pool(`http://127.0.0.1:${one}`) } });
    await eventually(
      'they know each other',
      () => healthOf(first) === 'healthy' && healthOf(second) === 'healthy',
      10_000,
    );
    const refused = await ask(first, 'nobody-has-this');
    expect(refused.status).toBe(508);
    expect(refused.text).toContain('loop_detected');
    expect(refused.text).toContain('leads back to this Corral');
    const { data } = (await (await fetch(`${first.address}/v1/models`)).json()) as { data: unknown[] };
    expect(data).toEqual([]);
  });
});
