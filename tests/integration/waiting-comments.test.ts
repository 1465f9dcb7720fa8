import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

const route = '/v1/chat/completions';
const body = { model: 'one', messages: [{ role: 'user', content: 'x' }] };
const streaming = { ...body, stream: true };
const soon = { waitingComments: { enabled: true, after: '60ms', interval: '60ms' } };

/** One slot, and an answer that holds it for as long as the test needs. */
const slow = (more: Record<string, unknown> = {}): Record<string, unknown> =>
  fakeModel({ name: 'one', tokens: 25, tokenDelayMs: 20 }, { concurrency: 1, ...more });

/** Begins an answer that takes the only slot; what it says at the end. */
async function occupy(): Promise<{ running: Promise<string> }> {
  const running = corral.chat('one');
  await eventually('one answers', () => corral.model('one').activeRequests === 1);
  return { running };
}

const queued = (count: number): Promise<void> =>
  eventually(`${count} wait`, () => corral.engine.snapshot().queue.length === count);

/** What a stream is without its comments, and the comments. */
function splitComments(text: string): { comments: string[]; rest: string } {
  const comments = [...text.matchAll(/^: (.*)\n\n/gm)].map(([, comment]) => comment ?? '');
  return { comments, rest: text.replaceAll(/^: .*\n\n/gm, '') };
}

const lastData = (text: string): unknown =>
  JSON.parse((text.trimEnd().split('\n\n').at(-1) ?? '').replace(/^(?:event: error\n)?data: /, ''));

async function statsOf(model: string): Promise<Record<string, number>> {
  const response = await fetch(`http://${corral.model(model).address ?? ''}/fake/stats`);
  return (await response.json()) as Record<string, number>;
}

describe('a stream that waits for a slot', () => {
  it('says where it stands, and then is what the model’s server sends, byte for byte', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const first = corral.post(route, streaming);
    await queued(1);
    const second = corral.post(route, streaming);
    const response = await second;
    // The head is there before the request has its turn.
    expect(corral.engine.snapshot().queue).toHaveLength(2);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const { comments, rest } = splitComments(await response.text());
    expect(comments[0]).toBe('queued 2/2');
    expect(comments).toContain('queued 1/1');
    expect(comments.every((comment) => /^queued [12]\/[12]$/.test(comment))).toBe(true);
    await (await first).text();
    await running;

    // Its twin that need not wait has no comments, and differs in nothing but what counts requests and seconds.
    const twin = await (await corral.post(route, streaming)).text();
    expect(splitComments(twin).comments).toEqual([]);
    const plain = (text: string): string =>
      text.replaceAll(/"id":"chatcmpl-one-\d+"/g, '"id":""').replaceAll(/"created":\d+/g, '"created":0');
    expect(plain(rest)).toBe(plain(twin));
    expect(twin).toContain('one-token-25');
  });

  it('counts for its time to the first token by what the model says, not by comments', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    await (await corral.post(route, streaming)).text();
    await running;
    const { requests } = await corral.bridge.call('list-requests', { limit: 1 });
    const [waited] = requests;
    expect(waited).toMatchObject({ status: 200, endedBy: 'model', errorCode: null, completionTokens: 25 });
    expect(waited?.queueWaitMs).toBeGreaterThan(100);
    expect(waited?.ttftMs).toBeGreaterThanOrEqual(waited?.queueWaitMs ?? Number.NaN);
  });

  it('leaves the queue at once when its client goes, and gives its place to the next', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const gone = new AbortController();
    const response = await corral.post(route, streaming, { signal: gone.signal });
    const next = corral.post(route, streaming);
    await queued(2);
    gone.abort();
    await expect(response.text()).rejects.toThrow();
    await eventually('its place is free', () => corral.engine.snapshot().queue.length === 1, 250);
    expect(splitComments(await (await next).text()).rest).toContain('[DONE]');
    await running;
    expect(await statsOf('one')).toMatchObject({ requests: 2, completed: 2, aborted: 0 });
    const { requests } = await corral.bridge.call('list-requests', { limit: 10 });
    expect(requests.find(({ endedBy }) => endedBy === 'client')).toMatchObject({ status: 200, ttftMs: null });
  });

  it('is read by the official client, which notices nothing', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const client = new OpenAI({ baseURL: `${corral.address}/v1`, apiKey: 'none', maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: 'one',
      stream: true,
      messages: [{ role: 'user', content: 'x' }],
    });
    let text = '';
    let count = 0;
    for await (const part of stream) {
      count += 1;
      text += part.choices[0]?.delta.content ?? '';
    }
    // It had to wait, with its head sent: else this would show nothing.
    const { requests } = await corral.bridge.call('list-requests', { limit: 1 });
    expect(requests[0]?.queueWaitMs).toBeGreaterThan(100);
    expect(count).toBe(27);
    expect(text).toBe(await running);
  });
});

describe('what fails after a comment', () => {
  it('is an error event in the shape of the family, and what the official client throws', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow({ queue: { max: 5, maxWait: '200ms' } }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const client = new OpenAI({ baseURL: `${corral.address}/v1`, apiKey: 'none', maxRetries: 0 });
    const [openAi, anthropic, thrown] = await Promise.all([
      corral.post(route, streaming),
      corral.post('/v1/messages', streaming),
      client.chat.completions
        .create({ model: 'one', stream: true, messages: [] })
        .then(async (stream) => {
          for await (const part of stream) expect(part).toBeUndefined();
        })
        .catch((error: unknown) => error),
    ]);
    expect([openAi.status, anthropic.status]).toEqual([200, 200]);
    const [openAiText, anthropicText] = [await openAi.text(), await anthropic.text()];
    expect(openAiText).not.toContain('[DONE]');
    expect(lastData(openAiText)).toMatchObject({ error: { code: 'queue_timeout', source: 'corral' } });
    expect(splitComments(anthropicText).rest).toMatch(/^event: error\ndata: \{.*\}\n\n$/);
    expect(lastData(anthropicText)).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    expect(thrown).toBeInstanceOf(OpenAI.APIError);
    expect((thrown as Error).message).toContain('queue.maxWait');
    await running;
    const { requests } = await corral.bridge.call('list-requests', { limit: 10 });
    const timedOut = requests.filter(({ errorCode }) => errorCode === 'queue-timeout');
    expect(timedOut.map(({ status, endedBy }) => `${String(status)} ${endedBy}`)).toEqual(
      Array.from({ length: 3 }, () => '200 corral'),
    );
  });

  it('is one when somebody cancels it, or the start comes to nothing', async () => {
    corral = await startCorral({
      scheduler: soon,
      memory: { maxLoaded: 2 },
      models: { one: slow(), two: fakeModel({ bindDelayMs: 10_000, exitAfterMs: 400, exitMessage: 'the reason' }) },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const cancelled = await corral.post(route, streaming);
    const [entry] = corral.engine.snapshot().queue;
    const failing = await corral.post(route, { ...streaming, model: 'two' });
    await corral.bridge.call('cancel-request', { request: entry?.id ?? '' });
    expect(lastData(await cancelled.text())).toMatchObject({ error: { code: 'cancelled' } });
    const text = await failing.text();
    expect(splitComments(text).comments[0]).toMatch(/^(?:starting|loading)$/);
    expect(lastData(text)).toMatchObject({ error: { code: 'start_failed' } });
    expect(text).toContain('the reason');
    await running;
  });

  it('is one when the model’s server answers with something else than a stream', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    // The fake echoes this route as JSON, as a server would that does not know it for one that streams.
    const response = await corral.post('/v1/responses', { model: 'one', stream: true, input: 'x' });
    const { comments, rest } = splitComments(await response.text());
    expect(comments.length).toBeGreaterThan(0);
    expect(rest).not.toContain('echo');
    expect(lastData(rest)).toMatchObject({
      error: { code: 'upstream_unavailable', message: expect.stringContaining('application/json') as string },
    });
    await running;
    await eventually('the slot is free', () => corral.model('one').activeRequests === 0);
  });

  it('is one when Corral ends', async () => {
    corral = await startCorral({
      scheduler: soon,
      server: { timeouts: { shutdown: '300ms' } },
      models: { one: fakeModel({ loadDelayMs: 60_000 }, { stopGrace: '500ms' }) },
    });
    const response = await corral.post(route, streaming);
    const text = response.text();
    await corral.engine.stop();
    expect(splitComments(await text).comments[0]).toMatch(/^(?:starting|loading)$/);
    expect(lastData(await text)).toMatchObject({ error: { code: 'shutting_down' } });
  });
});

describe('a stream that waits for a load or for room', () => {
  it('says so', async () => {
    corral = await startCorral({
      scheduler: soon,
      memory: { maxLoaded: 1 },
      models: { one: slow(), two: fakeModel({ name: 'two', loadDelayMs: 400 }) },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const { comments, rest } = splitComments(await (await corral.post(route, { ...streaming, model: 'two' })).text());
    await running;
    expect(comments[0]).toBe('waiting for room');
    expect(comments.at(-1)).toBe('loading');
    expect(rest).toContain('two-token-5');
    // What blocks it is nobody's business but the owner's.
    expect(comments.join()).not.toContain('one');
  });
});

describe('no comments', () => {
  it('come on anything but a stream of events: it has its status and its headers as ever', async () => {
    corral = await startCorral({
      scheduler: soon,
      models: {
        one: fakeModel({ tokens: 25, tokenDelayMs: 20 }, { concurrency: 1, queue: { max: 9, maxWait: '250ms' } }),
      },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const asked: [string, unknown][] = [
      [route, body],
      [route, { ...body, stream: false }],
      // These answer in JSON, whatever "stream" says.
      ['/v1/embeddings', { ...streaming, input: 'x' }],
      ['/v1/messages/count_tokens', streaming],
    ];
    const responses = await Promise.all(asked.map(([path, payload]) => corral.post(path, payload)));
    const form = await fetch(`${corral.address}${route}`, {
      method: 'POST',
      body: new URLSearchParams({ model: 'one', stream: 'true' }),
    });
    for (const response of [...responses, form]) {
      expect(response.status).toBe(503);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      expect((await response.text()).startsWith('{')).toBe(true);
    }
    await running;
  });

  it('come before the silence has lasted, nor where they are switched off, for all or for one lane', async () => {
    corral = await startCorral({
      server: {
        apiKeys: [
          { name: 'quiet', key: 'key-quiet', waitingComments: false },
          { name: 'other', key: 'key-other' },
        ],
      },
      scheduler: soon,
      models: { one: slow() },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const as = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
    const quiet = corral.post(route, streaming, as('key-quiet')).then((response) => response.text());
    await queued(1);
    const other = corral.post(route, streaming, as('key-other')).then((response) => response.text());
    expect(splitComments(await quiet).comments).toEqual([]);
    expect(splitComments(await other).comments[0]).toBe('queued 2/2');
    await running;

    await corral.bridge.call('update-settings', {
      edits: [{ path: ['scheduler', 'waitingComments', 'enabled'], value: false }],
    });
    const { running: again } = await occupy();
    const silent = await corral.post(route, streaming, as('key-other')).then((response) => response.text());
    expect(splitComments(silent).comments).toEqual([]);
    await again;
  });
});

describe('X-Request-Priority', () => {
  const order = async (asked: readonly [content: string, headers: Record<string, string>][]): Promise<string[]> => {
    const served: string[] = [];
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const all: Promise<unknown>[] = [];
    for (const [name, headers] of asked) {
      all.push(
        corral.post(route, { ...body, max_tokens: 1 }, { headers }).then(async (response) => {
          await response.text();
          served.push(name);
        }),
      );
      await queued(all.length);
    }
    await Promise.all([running, ...all]);
    return served;
  };
  const priority = (value: number): Record<string, string> => ({ 'x-request-priority': String(value) });

  it('orders requests, and goes no further than Corral', async () => {
    corral = await startCorral({ models: { one: slow() } });
    expect(
      await order([
        ['late', priority(-5)],
        ['plain', {}],
        ['first', priority(10)],
      ]),
    ).toEqual(['first', 'plain', 'late']);
    const echoed = await corral.post('/v1/responses', { model: 'one' }, { headers: priority(3) });
    expect(await echoed.text()).not.toContain('x-request-priority');
  });

  it('lets nobody with a lane go before the others, but after them', async () => {
    corral = await startCorral({ server: { apiKeys: [{ name: 'a', key: 'key-a' }] }, models: { one: slow() } });
    expect(
      await order([
        ['late', { ...priority(-1), authorization: 'Bearer key-a' }],
        ['plain', {}],
        ['eager', { ...priority(10), authorization: 'Bearer key-a' }],
        ['eager without key', priority(10)],
      ]),
    ).toEqual(['plain', 'eager', 'eager without key', 'late']);
  });

  it.each(['11', 'high', '1.5'])('of %s is refused, whether the request would have to wait or not', async (value) => {
    corral = await startCorral({ models: { one: fakeModel({}) } });
    const response = await corral.post(route, streaming, { headers: { 'x-request-priority': value } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringContaining('X-Request-Priority') as string },
    });
    expect(corral.model('one').state).toBe('off');
  });
});

describe('what the queue shows', () => {
  it('says what is in the way and how long it will take, and Retry-After says the same', async () => {
    corral = await startCorral({
      models: {
        one: fakeModel(
          { name: 'one', tokens: 60, tokenDelayMs: 20 },
          { concurrency: 1, queue: { max: 2, maxWait: '60s' } },
        ),
      },
    });
    // 1.2 s at least, which the next one is expected to take, too.
    await corral.chat('one');
    const { running } = await occupy();
    const gone = new AbortController();
    const waiting = [1, 2].map(() => corral.post(route, body, { signal: gone.signal }).catch(() => 'gone'));
    await queued(2);
    const queue = corral.engine.snapshot().queue;
    expect(queue.map(({ reason }) => reason)).toEqual(['slot of one: 1 of 1 busy', 'slot of one: 1 of 1 busy']);
    const [nextMs = Number.NaN, lastMs = Number.NaN] = queue.map(({ expectedWaitMs }) => expectedWaitMs ?? Number.NaN);
    expect(nextMs).toBeGreaterThan(1200);
    expect(nextMs).toBeLessThan(4000);
    // Each is rounded by itself.
    expect(Math.abs(lastMs - 2 * nextMs)).toBeLessThanOrEqual(1);
    const refused = await corral.post(route, body);
    expect(refused.status).toBe(429);
    const retryAfterSeconds = Number(refused.headers.get('retry-after'));
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(Math.ceil((3 * nextMs - 2) / 1000));
    expect(retryAfterSeconds).toBeLessThanOrEqual(Math.ceil((3 * nextMs + 2) / 1000));
    await refused.text();
    gone.abort();
    expect(await Promise.all(waiting)).toEqual(['gone', 'gone']);
    await running;
  });
});

describe('a client of HTTP/1.0', () => {
  it('gets comments and answer in one body that ends with the connection', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const { hostname, port } = new URL(corral.address);
    const payload = JSON.stringify(streaming);
    const { connect } = await import('node:net');
    const socket = connect(Number(port), hostname);
    socket.write(`POST ${route} HTTP/1.0\r\nHost: localhost\r\nContent-Length: ${payload.length}\r\n\r\n${payload}`);
    let text = '';
    socket.on('data', (part) => (text += part.toString()));
    await once(socket, 'close');
    expect(text).toContain('\r\n\r\n: queued 1/1\n\n');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    await running;
  });
});

describe('the first comment', () => {
  it('leaves at once, not with the first token', async () => {
    corral = await startCorral({ scheduler: soon, models: { one: slow() } });
    await corral.bridge.call('load-model', { model: 'one' });
    const { running } = await occupy();
    const request = http.request(`${corral.address}${route}`, { method: 'POST', agent: false });
    request.end(JSON.stringify(streaming));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe(': queued 1/1\n\n');
    expect(corral.engine.snapshot().queue).toHaveLength(1);
    response.destroy();
    await queued(0);
    await running;
  });
});
