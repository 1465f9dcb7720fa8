import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

const body = { model: 'one', messages: [] };
const route = '/v1/chat/completions';

/** Waits for n requests in the queue. */
const queued = (count: number): Promise<void> =>
  eventually(`${count} wait`, () => corral.engine.snapshot().queue.length === count);

describe('the queue', () => {
  it('Q6 of 16 refuses exactly 10 of 26 more with 429, Retry-After and a reason, in less than 50 ms', async () => {
    corral = await startCorral({
      models: {
        one: fakeModel({ tokens: 10, tokenDelayMs: 60 }, { concurrency: 1, queue: { max: 16, maxWait: '60s' } }),
      },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const running = corral.post(route, { ...body, max_tokens: 10 });
    await eventually('one answers', () => corral.model('one').activeRequests === 1);
    const short = { ...body, max_tokens: 1 };
    const waiting = Array.from({ length: 16 }, () => corral.post(route, short));
    await queued(16);
    const ten = async (ask: () => Promise<Response>): Promise<{ response: Response; tookMs: number }[]> =>
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const startedMs = performance.now();
          const response = await ask();
          return { response, tookMs: performance.now() - startedMs };
        }),
      );
    // On a machine that is busy with something else, what Corral answers without thinking takes long, too.
    const unhurried = await ten(() => fetch(`${corral.address}/health`));
    const slowestMs = Math.max(50, ...unhurried.map(({ tookMs }) => 3 * tookMs));
    for (const { response } of unhurried) await response.text();
    const refused = await ten(() => corral.post(route, short));
    for (const { response, tookMs } of refused) {
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(tookMs).toBeLessThan(slowestMs);
      expect(await response.json()).toMatchObject({
        error: {
          type: 'rate_limit_error',
          code: 'rate_limit_exceeded',
          message: expect.stringContaining('"one"') as string,
        },
      });
    }
    const served = await Promise.all([running, ...waiting]);
    for (const response of served) {
      expect(response.status).toBe(200);
      await response.text();
    }
  });

  it('counts over all models, too', async () => {
    corral = await startCorral({
      scheduler: { maxQueued: 3 },
      memory: { maxLoaded: 1 },
      models: { one: fakeModel({ loadDelayMs: 400 }), two: fakeModel({}) },
    });
    const first = [corral.post(route, body), corral.post(route, body)];
    await queued(2);
    first.push(corral.post(route, { ...body, model: 'two' }));
    await queued(3);
    const response = await corral.post(route, { ...body, model: 'two' });
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('maxQueued') as string } });
    for (const each of await Promise.all(first)) {
      expect(each.status).toBe(200);
      await each.text();
    }
  });

  it('gives up on a wait that lasts too long, with 503, Retry-After and what blocks', async () => {
    corral = await startCorral({
      models: {
        one: fakeModel({ tokens: 30, tokenDelayMs: 40 }, { concurrency: 1, queue: { max: 5, maxWait: '200ms' } }),
      },
    });
    await corral.bridge.call('load-model', { model: 'one' });
    const running = corral.chat('one');
    await eventually('one answers', () => corral.model('one').activeRequests === 1);
    const startedMs = performance.now();
    const response = await corral.post(route, body);
    const waitedMs = performance.now() - startedMs;
    expect(response.status).toBe(503);
    expect(waitedMs).toBeGreaterThan(190);
    expect(waitedMs).toBeLessThan(500);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await response.json()).toMatchObject({
      error: { code: 'queue_timeout', message: expect.stringContaining('queue.maxWait') as string },
    });
    expect(await running).toContain('token-30');
  });

  it('Q8 lets one be cancelled by its id while the stream that runs is untouched', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 20, tokenDelayMs: 20 }, { concurrency: 1 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const stream = await corral.post(route, { ...body, stream: true });
    const second = corral.post(route, body);
    await queued(1);
    const last = corral.post(route, body);
    await queued(2);
    const [entry, next] = corral.engine.snapshot().queue;
    expect([entry?.position, next?.position]).toEqual([1, 2]);
    await corral.bridge.call('cancel-request', { request: entry?.id ?? '' });
    const cancelled = await second;
    expect(cancelled.status).toBe(503);
    expect(await cancelled.json()).toMatchObject({ error: { code: 'cancelled' } });
    expect(corral.engine.snapshot().queue.map(({ id, position }) => `${id} ${position}`)).toEqual([
      `${next?.id ?? ''} 1`,
    ]);
    const text = await stream.text();
    expect(text).toContain('token-20');
    expect(text.trimEnd().endsWith('[DONE]')).toBe(true);
    expect((await last).status).toBe(200);
    await (await last).text();
  });

  it('answers all who wait for a start that fails with the same reason and Retry-After', async () => {
    corral = await startCorral({
      models: { one: fakeModel({ bindDelayMs: 10_000, exitAfterMs: 300, exitMessage: 'the reason is written here' }) },
    });
    const responses = await Promise.all(Array.from({ length: 8 }, () => corral.post(route, body)));
    const texts = new Set<string>();
    for (const response of responses) {
      expect(response.status).toBe(503);
      texts.add(await response.text());
    }
    expect(texts.size).toBe(1);
    expect([...texts][0]).toContain('the reason is written here');
    // behaviour.md: 503 (no room, starting failed, shutting down) with Retry-After.
    expect(responses.map((response) => response.headers.get('retry-after'))).not.toContain(null);
  });
});

describe('routes that tell about a loaded model', () => {
  const about = ['/props?model=one', '/slots?model=one', '/lora-adapters?model=one'];

  it('never load one', async () => {
    corral = await startCorral({ models: { one: fakeModel({}) } });
    for (const url of about) {
      const response = await fetch(`${corral.address}${url}`);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({
        error: { code: 'not_loaded', message: expect.stringContaining('one') as string },
      });
    }
    expect(corral.model('one').state).toBe('off');
  });

  it('need a model in the query', async () => {
    corral = await startCorral({ models: { one: fakeModel({}) } });
    const response = await fetch(`${corral.address}/props`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'model_missing' } });
  });

  // Whoever watches a busy model would otherwise see nothing of it until it is idle.
  it('are answered while all slots are taken', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 50, tokenDelayMs: 40 }, { concurrency: 1 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const running = corral.post(route, body);
    await eventually('one answers', () => corral.model('one').activeRequests === 1);
    const status = await fetch(`${corral.address}/slots?model=one`, { signal: AbortSignal.timeout(500) }).then(
      async (response) => ((await response.text()) === '' ? 0 : response.status),
      () => 'no answer',
    );
    expect(corral.model('one').activeRequests).toBe(1);
    await (await running).text();
    expect(status).toBe(200);
  });

  // A GET that waits in the queue is, to the scheduler, somebody who wants the model.
  it('do not bring it back when it goes away while they wait', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 50, tokenDelayMs: 20 }, { concurrency: 1 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const running = corral.post(route, body);
    await eventually('one answers', () => corral.model('one').activeRequests === 1);
    const gone = new AbortController();
    const watching = fetch(`${corral.address}/slots?model=one`, { signal: gone.signal }).then(
      (response) => response.text(),
      () => 'gone',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await corral.bridge.call('eject-model', { model: 'one', mode: 'when-idle' });
    await (await running).text();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { state } = corral.model('one');
    gone.abort();
    await watching;
    expect(state).toBe('off');
  });

  it('do not keep it loaded beyond its idle time', async () => {
    corral = await startCorral({ models: { one: fakeModel({}, { ttl: '600ms' }) } });
    await corral.chat('one');
    const startedMs = performance.now();
    while (performance.now() - startedMs < 1500 && corral.model('one').state === 'ready') {
      await (await fetch(`${corral.address}/slots?model=one`)).text();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(corral.model('one').state).not.toBe('ready');
  });
});
