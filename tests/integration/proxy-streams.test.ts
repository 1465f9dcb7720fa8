import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

const streaming = (model: string): string =>
  JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'x' }] });

/** A streaming request whose answer is read by the test, chunk by chunk, through a connection of its own. */
async function openStream(model: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const request = http.request(`${corral.address}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', ...headers },
  });
  request.on('error', () => undefined); // The reader of the answer hears it, too.
  request.end(streaming(model));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

interface Stats {
  readonly requests: number;
  readonly inFlight: number;
  readonly aborted: number;
  readonly completed: number;
}

async function statsOf(model: string): Promise<Stats> {
  const response = await fetch(`http://${corral.model(model).address ?? ''}/fake/stats`);
  return (await response.json()) as Stats;
}

describe('a stream', () => {
  it.each([{}, { 'accept-encoding': 'gzip, deflate, br' }])(
    'P7 is passed on token by token, to a client with %j',
    async (headers) => {
      corral = await startCorral({ models: { one: fakeModel({ name: 'one', tokens: 10, tokenDelayMs: 50 }) } });
      await corral.bridge.call('load-model', { model: 'one' });
      const response = await openStream('one', headers);
      expect(response.statusCode).toBe(200);
      expect(response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
      expect(response.headers['content-encoding']).toBeUndefined();
      const chunks: { atMs: number; text: string }[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>)
        chunks.push({ atMs: performance.now(), text: chunk.toString() });
      const firstMs = chunks.find(({ text }) => text.includes('one-token-1 '))?.atMs ?? Number.NaN;
      const lastMs = chunks.find(({ text }) => text.includes('one-token-10 '))?.atMs ?? Number.NaN;
      expect(lastMs - firstMs).toBeGreaterThan(300);
      expect(chunks.length).toBeGreaterThanOrEqual(10);
      const whole = chunks.map(({ text }) => text).join('');
      expect(whole.trimEnd().endsWith('data: [DONE]')).toBe(true);
      expect(whole.match(/one-token-\d+ /g)).toHaveLength(10);
    },
  );

  it('P7 shows its head before its first token', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 2, tokenDelayMs: 400 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const startedMs = performance.now();
    const response = await openStream('one');
    expect(performance.now() - startedMs).toBeLessThan(300);
    response.destroy();
    await eventually('the slot is free', () => corral.model('one').activeRequests === 0);
  });
});

describe('a client that goes away', () => {
  it('P2 while it waits for a slot leaves the queue, and the model never hears of it', async () => {
    corral = await startCorral({
      models: { one: fakeModel({ slots: 1, tokens: 30, tokenDelayMs: 20 }, { concurrency: 1 }) },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const running = corral.chat('one');
    await eventually('one answers', () => corral.model('one').activeRequests === 1);
    const gone = new AbortController();
    const waiting = corral.post('/v1/chat/completions', streaming('one'), { signal: gone.signal }).catch(() => 'gone');
    await eventually('it waits', () => corral.engine.snapshot().queue.length === 1);
    gone.abort();
    await eventually('the queue is empty', () => corral.engine.snapshot().queue.length === 0, 250);
    expect(await waiting).toBe('gone');
    await running;
    expect(await statsOf('one')).toMatchObject({ requests: 1, completed: 1, aborted: 0 });
  });

  it('P2 while the model is loaded for it leaves the queue', async () => {
    corral = await startCorral({ models: { one: fakeModel({ loadDelayMs: 1000 }) } });
    const gone = new AbortController();
    const waiting = corral.post('/v1/chat/completions', streaming('one'), { signal: gone.signal }).catch(() => 'gone');
    await eventually('it waits', () => corral.engine.snapshot().queue.length === 1);
    gone.abort();
    await eventually('the queue is empty', () => corral.engine.snapshot().queue.length === 0, 250);
    expect(await waiting).toBe('gone');
  });

  it('P2 before the head of the answer frees its slot, and the model’s server is told, within 250 ms', async () => {
    corral = await startCorral({ models: { one: fakeModel({ responseDelayMs: 5000 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const gone = new AbortController();
    const waiting = corral.post('/v1/chat/completions', streaming('one'), { signal: gone.signal }).catch(() => 'gone');
    await eventually('it is upstream', async () => (await statsOf('one')).inFlight === 1);
    gone.abort();
    await eventually('upstream is closed', async () => (await statsOf('one')).aborted === 1, 250);
    await eventually('the slot is free', () => corral.model('one').activeRequests === 0, 250);
    expect(await waiting).toBe('gone');
  });

  it('P2 in the middle of a stream frees its slot, and the model’s server is told, within 250 ms', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 1000, tokenDelayMs: 10 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const response = await openStream('one');
    await once(response, 'data');
    response.destroy();
    await eventually('upstream is closed', async () => (await statsOf('one')).aborted === 1, 250);
    await eventually('the slot is free', () => corral.model('one').activeRequests === 0, 250);
  });

  it('leaves nothing behind, 200 times at random moments', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 20, tokenDelayMs: 5, slots: 8 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const signal = AbortSignal.timeout(1 + ((index * 37) % 150));
        await corral
          .post('/v1/chat/completions', streaming('one'), { signal })
          .then((response) => response.text())
          .catch(() => 'gone');
      }),
    );
    await eventually('nothing runs', () => corral.model('one').activeRequests === 0, 1000);
    expect(corral.engine.snapshot().queue).toEqual([]);
    await eventually('nothing is in flight upstream', async () => (await statsOf('one')).inFlight === 0, 1000);
    expect(await corral.chat('one')).toContain('token-20');
  });
});

describe('a model’s process that dies in the middle of a stream', () => {
  it('P4 ends it with an error event within a second, without [DONE], and the next request is served', async () => {
    corral = await startCorral({ models: { one: fakeModel({ name: 'one', tokens: 60, tokenDelayMs: 20 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const response = await openStream('one');
    await once(response, 'data');
    const killedMs = performance.now();
    process.kill(corral.model('one').pid ?? 0, 'SIGKILL');
    const text = await readAll(response);
    expect(performance.now() - killedMs).toBeLessThan(1000);
    expect(text).not.toContain('[DONE]');
    const last = text.trimEnd().split('\n\n').at(-1) ?? '';
    expect(JSON.parse(last.replace(/^data: /, ''))).toMatchObject({
      error: { source: 'corral', message: expect.stringContaining('one') as string },
    });
    expect(await corral.chat('one')).toContain('one-token-60');
  });

  it('P8 cuts an answer that is not a stream with an error, and does not send it twice', async () => {
    corral = await startCorral({ models: { one: fakeModel({ dieAtToken: 3 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const response = await corral.post('/v1/chat/completions', { model: 'one', messages: [] });
    expect([502, 503]).toContain(response.status);
    expect(await response.json()).toMatchObject({ error: { source: 'corral', type: 'server_error' } });
    const { lines } = await corral.bridge.call('read-logs', { source: 'one' });
    expect(lines.filter(({ text }) => text.startsWith('[corral] starts'))).toHaveLength(1);
  });
});

describe('stopping', () => {
  it('lets 20 running streams finish within the grace period, and answers new requests with 503', async () => {
    corral = await startCorral({
      server: { timeouts: { shutdown: '5s' } },
      models: { one: fakeModel({ name: 'one', tokens: 30, tokenDelayMs: 30, slots: 20 }) },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    await eventually('its slots are known', () => corral.model('one').concurrency === 20);
    const responses = await Promise.all(Array.from({ length: 20 }, () => openStream('one')));
    const texts = Promise.all(responses.map(readAll));
    const stopped = corral.engine.stop();
    await sleep(50);
    // A refused connection looks like a Corral that is not there, and clients do not try again.
    const late = await corral.post('/v1/chat/completions', streaming('one')).then(
      async (response) => `${response.status} ${response.headers.get('retry-after') ?? ''} ${await response.text()}`,
      (thrown: unknown) => String((thrown as Error).cause ?? thrown),
    );
    for (const text of await texts) {
      expect(text).toContain('one-token-30');
      expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    }
    await stopped;
    expect(late).toMatch(/^503 \d+ .*shutting_down/);
  });

  it('cuts what still runs at the end of the grace period, with an error event, and is gone a second later', async () => {
    corral = await startCorral({
      server: { timeouts: { shutdown: '300ms' } },
      models: { one: fakeModel({ tokens: 1000, tokenDelayMs: 20 }) },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const response = await openStream('one');
    const text = readAll(response);
    const startedMs = performance.now();
    await corral.engine.stop();
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(250);
    expect(tookMs).toBeLessThan(1300);
    expect(await text).toContain('"code":"shutting_down"');
    expect(await text).not.toContain('[DONE]');
  });

  it('answers those who wait at once', async () => {
    corral = await startCorral({
      server: { timeouts: { shutdown: '300ms' } },
      models: { one: fakeModel({ loadDelayMs: 60_000 }, { stopGrace: '500ms' }) },
    });
    const waiting = corral.post('/v1/chat/completions', streaming('one'));
    await eventually('it waits', () => corral.engine.snapshot().queue.length === 1);
    const stopped = corral.engine.stop();
    const response = await waiting;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'shutting_down' } });
    await stopped;
  });
});
