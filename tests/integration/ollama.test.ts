import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

type Line = Record<string, unknown>;

async function linesOf(response: Response): Promise<Line[]> {
  const text = await response.text();
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const messages = [{ role: 'user', content: 'Hello' }];

describe('the Ollama API', () => {
  it('streams as it comes, through the same queue and into the same records', async () => {
    corral = await startCorral({ models: { one: fakeModel({ name: 'one', tokens: 5, tokenDelayMs: 5 }) } });
    const response = await corral.post('/api/chat', { model: 'one:latest', messages });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = await linesOf(response);
    expect(lines.map(({ message }) => (message as Line)['content']).join('')).toContain('one-token-5');
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toMatchObject({ model: 'one:latest', done: true, done_reason: 'stop', eval_count: 5 });
    expect(lines.at(-1)?.['load_duration']).toBeGreaterThan(0);
    const [record] = corral.engine.listRequests(1);
    expect(record).toMatchObject({
      modelId: 'one',
      route: '/api/chat',
      isStreaming: true,
      status: 200,
      promptTokens: 4,
      completionTokens: 5,
      endedBy: 'model',
      errorCode: null,
    });
    expect(record?.loadWaitMs).toBeGreaterThan(0);
  });

  it('takes JSON for JSON whatever it is called, and passes it on as what it is', async () => {
    corral = await startCorral({ models: { one: fakeModel({ name: 'one', tokens: 1 }) } });
    for (const contentType of ['application/x-www-form-urlencoded', 'text/plain', 'application/octet-stream']) {
      const init = { headers: { 'content-type': contentType } };
      const response = await corral.post('/api/generate', { model: 'one', prompt: 'Hi', stream: false }, init);
      expect(await response.json()).toMatchObject({ response: expect.stringContaining('one-token-1') as string });
    }
  });

  it('does not let pages of other sites in that way', async () => {
    corral = await startCorral({ models: { one: fakeModel() } });
    const headers = { 'content-type': 'text/plain', origin: 'https://evil.example' };
    for (const [route, method] of [
      ['/api/generate', 'POST'],
      ['/api/pull', 'POST'],
      ['/api/delete', 'DELETE'],
      ['/api/tags', 'GET'],
    ] as const) {
      const body = method === 'GET' ? {} : { body: '{"model":"one"}' };
      const response = await fetch(`${corral.address}${route}`, { method, headers, ...body });
      expect(response.status).toBe(403);
      expect(await response.json()).toEqual({ error: expect.stringContaining('evil.example') as string });
    }
    expect(corral.model('one').state).toBe('off');
  });

  it('lets the filters of a model change what it is asked, in llama-server’s words', async () => {
    corral = await startCorral({
      models: { one: fakeModel({ tokens: 9 }, { filters: { strip: ['temperature'], set: { max_tokens: 2 } } }) },
    });
    const request = { model: 'one', messages, stream: false, options: { num_predict: 7, temperature: 2, num_ctx: 99 } };
    const response = await corral.post('/api/chat', request);
    expect(response.headers.get('x-corral-ignored-options')).toBe('num_ctx');
    expect(await response.json()).toMatchObject({ eval_count: 2, done_reason: 'length' });
  });

  it('ends the request upstream when the client goes away', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 1000, tokenDelayMs: 10 }) } });
    const gone = new AbortController();
    const response = await corral.post('/api/chat', { model: 'one', messages }, { signal: gone.signal });
    await response.body?.getReader().read();
    gone.abort();
    await eventually('Corral lets go', () => corral.model('one').activeRequests === 0);
    await eventually('the server lets go', async () => {
      const stats = await fetch(`http://${corral.model('one').address ?? ''}/fake/stats`);
      return ((await stats.json()) as { aborted: number }).aborted === 1;
    });
    await eventually('it is recorded', () => corral.engine.listRequests(1)[0]?.endedBy === 'client');
  });

  it('says in the stream that the model broke off, and with a status that it did not begin', async () => {
    corral = await startCorral({
      models: {
        dying: fakeModel({ tokens: 9, dieAtToken: 3, tokenDelayMs: 5 }),
        stillborn: fakeModel({ exitAtStart: 3 }),
      },
    });
    const lines = await linesOf(await corral.post('/api/generate', { model: 'dying', prompt: 'x' }));
    // How many arrived before it died is up to the system.
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.slice(0, -1).every(({ done }) => done === false)).toBe(true);
    expect(lines.at(-1)).toEqual({ error: expect.stringContaining('dying') as string });
    const whole = await corral.post('/api/generate', { model: 'dying', prompt: 'x', stream: false });
    expect(whole.status).toBe(502);
    expect(await whole.json()).toEqual({ error: expect.any(String) as string });
    const never = await corral.post('/api/chat', { model: 'stillborn', messages });
    expect(never.status).toBe(503);
    expect(await never.json()).toEqual({ error: expect.stringContaining('stillborn') as string });
  });

  it('finds a loaded model loaded though all its slots are taken, and leaves it when asked to', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 200, tokenDelayMs: 10, slots: 1 }) } });
    const gone = new AbortController();
    const running = await corral.post('/api/chat', { model: 'one', messages }, { signal: gone.signal });
    const loaded = await corral.post('/api/generate', { model: 'one' });
    expect(await loaded.json()).toMatchObject({ response: '', done: true, done_reason: 'load' });
    const unloaded = await corral.post('/api/generate', { model: 'one', keep_alive: 0 });
    expect(await unloaded.json()).toMatchObject({ done_reason: 'unload' });
    expect(corral.model('one').state).toBe('ready');
    gone.abort();
    await running.text().catch(() => undefined);
    await eventually('it is unloaded', () => corral.model('one').state === 'off');
  });

  it('does not load a model to unload it', async () => {
    corral = await startCorral({ models: { one: fakeModel() } });
    const response = await corral.post('/api/chat', { model: 'one', keep_alive: 0 });
    expect(await response.json()).toMatchObject({ done_reason: 'unload' });
    expect(corral.model('one').state).toBe('off');
  });

  it.each<[string, string, number, string]>([
    ['no model', '{"messages":[]}', 400, 'model is required'],
    ['a model that is not there', '{"model":"nobody"}', 404, "model 'nobody' not found"],
    ['no JSON', 'hello', 400, 'not valid JSON'],
    ['nothing', '', 400, 'not valid JSON'],
    ['a wrong duration', '{"model":"one","keep_alive":"soon"}', 400, 'keep_alive is not a duration'],
  ])('refuses %s in its own shape', async (_what, body, status, message) => {
    corral = await startCorral({ models: { one: fakeModel() } });
    for (const route of ['/api/chat', '/api/generate', '/api/embed']) {
      const response = await corral.post(route, body);
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({ error: expect.stringContaining(message) as string });
    }
    expect(corral.model('one').state).toBe('off');
  });

  it('keeps keys apart: a lane sees and uses its own models', async () => {
    corral = await startCorral({
      server: {
        adminToken: 'the-admin-token-of-this-test',
        apiKeys: [{ name: 'small', key: 'key-of-the-small-lane', models: ['one'] }],
      },
      models: { one: fakeModel({ tokens: 1 }), two: fakeModel() },
    });
    const small = { headers: { authorization: 'Bearer key-of-the-small-lane' } };
    const tags = (await (await fetch(`${corral.address}/api/tags`, small)).json()) as { models: { name: string }[] };
    expect(tags.models.map(({ name }) => name)).toEqual(['one:latest']);
    expect((await corral.post('/api/show', { model: 'two' }, small)).status).toBe(404);
    expect((await corral.post('/api/generate', { model: 'two', keep_alive: 0 }, small)).status).toBe(403);
    expect((await corral.post('/api/generate', { model: 'one', prompt: 'x', stream: false }, small)).status).toBe(200);
    const wrong = { headers: { authorization: 'Bearer wrong' } };
    expect((await fetch(`${corral.address}/api/tags`, wrong)).status).toBe(401);
    expect((await corral.post('/api/pull', { model: 'a/b' }, small)).status).toBe(401);
    const admin = { headers: { authorization: 'Bearer the-admin-token-of-this-test' } };
    const pulled = await corral.post('/api/pull', { model: 'llama3.2' }, admin);
    expect(pulled.status).toBe(501);
    expect(Object.keys((await pulled.json()) as object)).toEqual(['error']);
  });

  it('tells what there is, with methods and paths it knows alone', async () => {
    corral = await startCorral({ models: { one: fakeModel() } });
    const get = async (path: string, method = 'GET'): Promise<Response> =>
      await fetch(`${corral.address}${path}`, { method });
    expect(await (await get('/api/version')).json()).toEqual({ version: expect.stringMatching(/^0\./) as string });
    expect(await (await get('/api/ps')).json()).toEqual({ models: [] });
    await corral.chat('one');
    expect(await (await get('/api/ps/')).json()).toMatchObject({ models: [{ name: 'one:latest', size_vram: 0 }] });
    expect(await (await corral.post('/api/show', { name: 'one' })).json()).toMatchObject({
      capabilities: ['completion'],
      model_info: {},
    });
    for (const [path, method, allow] of [
      ['/api/tags', 'POST', 'GET'],
      ['/api/show', 'GET', 'POST'],
      ['/api/chat', 'GET', 'POST'],
    ] as const) {
      const refused = await get(path, method);
      expect(refused.status).toBe(405);
      expect(refused.headers.get('allow')).toBe(allow);
      expect(await refused.json()).toEqual({ error: expect.any(String) as string });
    }
    expect((await get('/api/blobs/sha256:00', 'HEAD')).status).toBe(404);
    expect((await corral.post('/api/blobs/sha256:00', {})).status).toBe(501);
    const nothing = await get('/api/nothing');
    expect(nothing.status).toBe(404);
    expect(await nothing.json()).toEqual({ error: expect.stringContaining('/api/nothing') as string });
  });

  it('reaches the models of pools, under their names there', async () => {
    const remote = await startCorral({ models: { far: fakeModel({ name: 'far', tokens: 2 }) } });
    try {
      corral = await startCorral({ pools: { lab: { endpoints: [{ url: remote.address, models: ['*'] }] } } });
      await eventually('the pool knows its models', async () => {
        const listed = (await (await fetch(`${corral.address}/v1/models`)).json()) as { data: { id: string }[] };
        return listed.data.some(({ id }) => id.endsWith('far'));
      });
      for (const model of ['far', 'far:latest', 'lab/far']) {
        const lines = await linesOf(await corral.post('/api/chat', { model, messages }));
        expect(lines.at(-1)).toMatchObject({ model, done: true, eval_count: 2 });
        expect((lines[0]?.['message'] as Line)['content']).toContain('far-token-1');
      }
      expect(corral.engine.listRequests(1)[0]).toMatchObject({ modelId: 'lab/far', route: '/api/chat' });
    } finally {
      // The one that points at the other ends first.
      await corral.engine.stop();
      await remote.stop();
    }
  });

  it('has an address of its own where it is asked for, which says that it is there', async () => {
    corral = await startCorral({
      listeners: [{ dialect: 'ollama', host: '127.0.0.1', port: 0 }],
      models: { one: fakeModel({ name: 'one', tokens: 1 }) },
    });
    const [listener] = corral.engine.furtherListeners();
    expect(listener?.dialect).toBe('ollama');
    const address = listener?.address ?? '';
    const root = await fetch(address);
    expect(root.status).toBe(200);
    expect(await root.text()).toBe('Ollama is running');
    expect((await fetch(address, { method: 'HEAD' })).status).toBe(200);
    expect((await (await fetch(`${address}/api/tags`)).json()) as object).toMatchObject({
      models: [{ name: 'one:latest' }],
    });
    const body = JSON.stringify({ model: 'one', messages, stream: false });
    const answer = await fetch(`${address}/api/chat`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({
      message: { content: expect.stringContaining('one-token-1') as string },
    });
    expect((await fetch(`${address}/v1/models`)).status).toBe(200);
    expect((await fetch(`${address}/control/events`)).status).toBe(404);
  });
});
