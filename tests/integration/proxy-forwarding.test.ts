import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import path from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferenceRoutes } from '../../electron/engine/proxy/routes.ts';
import { createTestFolder, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodySha256: string;
  readonly bodyLength: number;
}

interface RecordedRequest extends Echo {
  readonly event: string;
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

let corral: TestCorral;
let recordFile: string;

beforeAll(async () => {
  const folder = await createTestFolder();
  recordFile = path.join(folder.path, 'requests.jsonl');
  corral = await startCorral(
    {
      server: { apiKeys: [{ name: 'laptop', key: 'canary-client-key' }] },
      memory: { maxLoaded: 4 },
      models: {
        one: fakeModel({ name: 'one', record: recordFile }, { aliases: ['gpt-4o', 'org/alias:latest'] }),
        'org/deep/model:7b-q4': fakeModel({ name: 'deep' }),
      },
    },
    { folder },
  );
  await corral.chat('one');
});
afterAll(() => corral.stop());

/** What reached the model's process, newest last. */
async function recorded(): Promise<RecordedRequest[]> {
  const lines = (await readFile(recordFile, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as RecordedRequest).filter(({ event }) => event === 'request');
}

async function echo(route: string, init: RequestInit): Promise<Echo> {
  const response = await fetch(`${corral.address}${route}`, { method: 'POST', ...init });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return (JSON.parse(text) as { echo: Echo }).echo;
}

// Routes of other APIs never reach a model as they are, and have tests of their own.
const plainRoutes = inferenceRoutes.filter(({ translate }) => translate === undefined);

describe('every route of the table', () => {
  it.each(plainRoutes)('$method $path reaches the model as it is', async ({ method, path: route, modelFrom }) => {
    const queries = {
      body: '?a=1&b=%C3%A4%20+',
      query: '?model=one&action=x',
      conversation: '?conv_id=c%2F1&model=one&from=1',
    };
    const url = route.replace(':slot', '0') + queries[modelFrom];
    const body =
      method === 'GET' ? undefined : JSON.stringify({ model: 'one', content: 'x', max_tokens: 1, n: Math.random() });
    const before = (await recorded()).length;
    const response = await fetch(`${corral.address}${url}`, {
      method,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    });
    expect(response.status, await response.text()).toBe(200);
    // What the fake takes for a probe it does not record.
    if (method === 'GET' && ['/props', '/slots'].includes(route)) return;
    const seen = (await recorded()).slice(before);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      method,
      url,
      bodySha256: sha256(body ?? ''),
      bodyLength: Buffer.byteLength(body ?? ''),
    });
  });

  it.each(inferenceRoutes)('$method $path refuses other methods and says which it takes', async ({ path: route }) => {
    const url = route.replace(':slot', '0');
    const allowed = inferenceRoutes.filter((each) => each.path === route).map((each) => each.method);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].filter((each) => !allowed.includes(each as 'GET'))) {
      const response = await fetch(`${corral.address}${url}`, { method });
      expect(response.status, `${method} ${url}`).toBe(405);
      expect(response.headers.get('allow')?.split(', ').sort()).toEqual([...allowed].sort());
      await response.text();
    }
  });
});

describe('a request', () => {
  it('arrives byte for byte', async () => {
    const bodies = [
      '{ "model" : "one",\n\t"messages": [] , "x": 1.0, "y": 1e2, "\\u007a": "\\u00e4ä🐎" }\r\n',
      '\uFEFF{"model":"one"}',
      '{"model":"x","model":"one","big":123456789012345678901234567890}',
      JSON.stringify({ model: 'one', image: 'QUJD'.repeat(1_000_000) }),
    ];
    for (const body of bodies) {
      const { bodySha256, bodyLength } = await echo('/infill', {
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect({ bodySha256, bodyLength }).toEqual({ bodySha256: sha256(body), bodyLength: Buffer.byteLength(body) });
    }
  });

  it('arrives with its query as it was written', async () => {
    const target = "/infill?q='a'|{b}&e=%27%2f+%20&empty=&f";
    const { port } = new URL(corral.address);
    const request = http.request({ port, host: '127.0.0.1', path: target, method: 'POST' });
    request.end('{"model":"one"}');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString();
    expect((JSON.parse(text) as { echo: Echo }).echo.url).toBe(target);
  });

  it('arrives with its headers, less what concerns the client’s connection or its key', async () => {
    const { headers } = await echo('/infill', {
      body: '{"model":"one"}',
      headers: {
        authorization: 'Bearer canary-client-key',
        'content-type': 'application/json; charset=utf-8',
        'openai-organization': 'org-1',
        'user-agent': 'client/1.0',
        accept: 'text/event-stream',
        cookie: 'session=canary',
        'x-custom': 'kept',
        'accept-encoding': 'gzip, br',
      },
    });
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': '15',
      'openai-organization': 'org-1',
      'user-agent': 'client/1.0',
      accept: 'text/event-stream',
      'x-custom': 'kept',
      'accept-encoding': 'gzip, br',
    });
    expect(JSON.stringify(headers)).not.toContain('canary');
    expect(headers['host']).toBe(corral.model('one').address);
  });

  it('arrives whole if it is sent in chunks', async () => {
    const { bodySha256, headers } = await new Promise<Echo>((resolve, reject) => {
      const request = http.request(`${corral.address}/infill`, { method: 'POST' }, (response: IncomingMessage) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve((JSON.parse(text) as { echo: Echo }).echo));
      });
      request.on('error', reject);
      request.write('{"model":');
      setTimeout(() => request.end('"one"}'), 30);
    });
    expect(bodySha256).toBe(sha256('{"model":"one"}'));
    expect(headers).toMatchObject({ 'content-length': '15' });
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  it('finds its model by id, alias, slashes and colons, and keeps the name it used', async () => {
    for (const name of ['one', 'gpt-4o', 'org/alias:latest']) {
      const response = await corral.post('/v1/chat/completions', { model: name, messages: [] });
      expect(await response.json()).toMatchObject({ model: name, choices: [{ message: { content: /one-token-1/ } }] });
    }
    expect(await corral.chat('org/deep/model:7b-q4')).toContain('deep-token-1');
  });

  it.each([
    ['curl without a content type', 'application/x-www-form-urlencoded', '{"model":"one","content":"x"}'],
    ['text', 'text/plain', '{"model":"one","content":"x"}'],
    ['a urlencoded form', 'application/x-www-form-urlencoded', 'model=one&content=x'],
  ])('may be labelled as %s labels it', async (_who, type, body) => {
    const { bodySha256, headers } = await echo('/infill', { body, headers: { 'content-type': type } });
    expect(bodySha256).toBe(sha256(body));
    expect(headers).toMatchObject({ 'content-type': type });
  });

  it('may be a multipart form with a file and a model', async () => {
    const form = new FormData();
    form.append('file', new Blob([Buffer.alloc(300_000, 7)]), 'speech.wav');
    form.append('model', 'gpt-4o');
    const { url, bodyLength, headers } = await echo('/v1/audio/transcriptions', { body: form });
    expect(url).toBe('/v1/audio/transcriptions');
    expect(bodyLength).toBeGreaterThan(300_000);
    expect(headers).toMatchObject({
      'content-type': expect.stringContaining('multipart/form-data; boundary=') as string,
    });
  });

  it('that is a form cut off within its file is refused, and Corral lives on', async () => {
    const boundary = 'xx';
    const body =
      `--${boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\none\r\n--${boundary}\r\n` +
      'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF';
    const response = await fetch(`${corral.address}/v1/audio/transcriptions`, {
      method: 'POST',
      body,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
    expect(response.status).toBe(400);
    expect((await fetch(`${corral.address}/health`)).status).toBe(200);
  });
});

describe('an answer', () => {
  it('comes with the status and the body of the model’s server, errors too', async () => {
    const response = await corral.post('/v1/chat/completions', '{"model":"one","x":"\u0001"}');
    expect(response.status).toBe(400);
    expect(response.headers.has('x-corral-error')).toBe(false);
    expect(await response.json()).toMatchObject({ error: { code: 400, message: /json\.exception/ } });
  });

  it('comes without the headers of the connection, of the server, and of other origins', async () => {
    const request = http.get(`${corral.address}/props?model=one`);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(Object.keys(response.headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(server|access-control-)/)]),
    );
    expect(response.headers['x-powered-by']).toBeUndefined();
  });

  it('to HEAD comes without a body', async () => {
    for (const url of ['/health', '/v1/models', '/props?model=one']) {
      const response = await fetch(`${corral.address}${url}`, { method: 'HEAD' });
      expect(response.status, url).toBe(200);
      expect(await response.text()).toBe('');
    }
  });
});

describe('the model list', () => {
  it('has every model with its state, at both paths', async () => {
    for (const route of ['/v1/models', '/models']) {
      const list = (await (await fetch(`${corral.address}${route}`)).json()) as {
        object: string;
        data: { id: string }[];
      };
      expect(list.object).toBe('list');
      expect(list.data.map(({ id }) => id)).toEqual(['one', 'org/deep/model:7b-q4']);
      expect(list.data[0]).toMatchObject({
        object: 'model',
        owned_by: 'corral',
        corral: { state: 'ready', aliases: ['gpt-4o', 'org/alias:latest'], context_size: 4096 },
      });
    }
  });

  it.each([
    ['one', 'one'],
    ['gpt-4o', 'one'],
    ['org/deep/model:7b-q4', 'org/deep/model:7b-q4'],
    ['org%2Fdeep%2Fmodel%3A7b-q4', 'org/deep/model:7b-q4'],
  ])('has %s by itself', async (name, id) => {
    const response = await fetch(`${corral.address}/v1/models/${name}`);
    expect(await response.json()).toMatchObject({ id, object: 'model' });
  });

  it('does not have others, nor paths that cannot be decoded', async () => {
    const unknown = await fetch(`${corral.address}/v1/models/two`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({
      error: { code: 'model_not_found', param: 'model', source: 'corral' },
    });
    const broken = await fetch(`${corral.address}/v1/models/%ff%zz`);
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('errors of Corral', () => {
  it.each([
    ['a model that there is not', '/v1/chat/completions', '{"model":"two"}', 404, 'model_not_found'],
    ['no model', '/v1/chat/completions', '{}', 400, 'model_missing'],
    ['no JSON', '/v1/chat/completions', '{', 400, 'invalid_request'],
    ['a list', '/v1/embeddings', '[]', 400, 'invalid_request'],
    ['no route', '/v1/nothing', '{}', 404, 'unknown_route'],
    ['no route that runs a shell', '/tools', '{}', 404, 'unknown_route'],
    ['no route into the network', '/cors-proxy', '{}', 404, 'unknown_route'],
  ])('say %s', async (_what, route, body, status, code) => {
    const response = await corral.post(route, body);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toMatchObject({ error: { code, source: 'corral' } });
  });

  it('have the Anthropic shape where Anthropic’s clients ask', async () => {
    const response = await corral.post('/v1/messages', '{"model":"two"}');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'not_found_error', source: 'corral' },
    });
    const wrongKey = await corral.post('/v1/messages', '{"model":"one"}', { headers: { 'x-api-key': 'wrong' } });
    expect(wrongKey.status).toBe(401);
    expect(await wrongKey.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
  });
});
