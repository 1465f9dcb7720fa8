import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readEventData } from '#shared/contract/http-bridge.ts';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { createTestFolder, startCorral, type TestCorral } from '../support/corral.ts';
import { ensureRealLlamaServer } from '../support/real-llama-server.ts';

interface PoolsFile {
  pools: { name: string; endpoints: string[]; models: string[] }[];
}

const example = parse(
  await readFile(new URL('../../fixtures/seeds/examples/llama-model-router.yaml', import.meta.url), 'utf8'),
) as PoolsFile;

let llamaServer: string;
const corrals: TestCorral[] = [];

beforeAll(async () => {
  llamaServer = await ensureRealLlamaServer();
});
afterEach(async () => {
  for (const corral of corrals.splice(0).reverse()) await corral.stop();
});

/** A server with real models, each of which says one sentence. */
async function startBackend(sentences: Record<string, string>): Promise<TestCorral> {
  const folder = await createTestFolder();
  const models: Record<string, unknown> = {};
  for (const [name, sentence] of Object.entries(sentences)) {
    models[name] = { file: await folder.write(`${name}.gguf`, buildSentenceModel({ name, sentence })) };
  }
  const corral = await startCorral({ engine: { path: llamaServer }, models }, { folder });
  corrals.push(corral);
  return corral;
}

interface Router {
  readonly corral: TestCorral;
  readonly address: string;
}

async function startRouter(file: PoolsFile): Promise<Router> {
  const corral = await startCorral({ ...file });
  corrals.push(corral);
  const [door] = corral.engine.furtherListeners();
  if (door === undefined) throw new Error('the router’s own address is not there');
  return { corral, address: door.address };
}

/** The README's file with the addresses that the test has. */
function readmeFile(defaultUrl: string, dynamicUrl: string): PoolsFile {
  const urls: Record<string, string> = { 'http://localhost:9001': defaultUrl, 'http://localhost:9101': dynamicUrl };
  return {
    pools: example.pools.map((pool) => ({ ...pool, endpoints: pool.endpoints.map((url) => urls[url] ?? url) })),
  };
}

async function chat({ address }: Router, model: string, more: Record<string, unknown> = {}): Promise<Response> {
  return await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...more }),
  });
}

async function say(router: Router, model: string, more: Record<string, unknown> = {}): Promise<string> {
  const response = await chat(router, model, more);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}

describe('the README’s example of llama-model-router', () => {
  it('R2.2 R2.5 sends a named model to its pool, the rest to the wildcard, and lists all of them', async () => {
    const main = await startBackend({ 'llama3-8b-instruct': 'The red barn stands.', other: 'Never asked.' });
    const dynamic = await startBackend({ 'llama3-8b-instruct': 'The wrong pool.', qwen: 'A blue river runs.' });
    const router = await startRouter(readmeFile(main.address, dynamic.address));

    const list = (await (await fetch(`${router.address}/v1/models`)).json()) as {
      object: string;
      data: { id: string; object: string; owned_by: string }[];
    };
    expect(list.object).toBe('list');
    expect(list.data.map(({ id, object, owned_by }) => [id, object, owned_by])).toEqual([
      ['llama3-8b-instruct', 'model', 'corral'],
      ['qwen', 'model', 'corral'],
    ]);

    expect(await say(router, 'llama3-8b-instruct')).toBe('The red barn stands.');
    expect(await say(router, 'qwen')).toBe('A blue river runs.');
    const health = await fetch(`${router.address}/health`);
    expect([health.status, await health.text()]).toEqual([200, 'ok']);
    expect(
      router.corral.engine.snapshot().pools.map(({ endpoints }) => endpoints.length),
      'each asked once',
    ).toEqual([1, 1]);
  });

  it('passes a stream on as it comes', async () => {
    const sentence = 'A blue river runs through town.';
    const backend = await startBackend({ qwen: sentence });
    const router = await startRouter(readmeFile(backend.address, backend.address));
    const stream = await chat(router, 'qwen', { stream: true });
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    if (stream.body === null) throw new Error('no body');
    let text = '';
    for await (const data of readEventData(stream.body)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as { choices: [{ delta: { content?: string | null } }] };
      text += chunk.choices[0].delta.content ?? '';
    }
    expect(text).toBe(sentence);
  });

  it('R2.4 keeps a user on one endpoint, spreads the others, and goes on when that endpoint is gone', async () => {
    const left = await startBackend({ qwen: 'Left it is.' });
    const right = await startBackend({ qwen: 'Right it is.' });
    const router = await startRouter({
      pools: [{ name: 'both', endpoints: [left.address, right.address], models: ['*'] }],
    });
    const anonymous = [await say(router, 'qwen'), await say(router, 'qwen')];
    expect(anonymous.sort()).toEqual(['Left it is.', 'Right it is.']);
    const first = await say(router, 'qwen', { user: 'ann' });
    for (let count = 0; count < 3; count += 1) {
      expect(await say(router, 'qwen', { user: 'ann' })).toBe(first);
      await say(router, 'qwen');
    }
    const [gone, stays] = first.startsWith('Left') ? [left, 'Right it is.'] : [right, 'Left it is.'];
    corrals.splice(corrals.indexOf(gone), 1);
    await gone.stop();
    expect(await say(router, 'qwen', { user: 'ann' })).toBe(stays);
  });

  it('R2.3 says in its own words that no pool has a model', async () => {
    const backend = await startBackend({ qwen: 'Hello.' });
    const router = await startRouter({ pools: [{ name: 'one', endpoints: [backend.address], models: ['qwen'] }] });
    const refused = await chat(router, 'nobody-has-this');
    expect([refused.status, await refused.text()]).toEqual([400, 'no pool for model']);
    expect(refused.headers.get('content-type')).toMatch(/^text\/plain/);
    const route = await fetch(`${router.address}/nothing`);
    expect(route.status).toBe(404);
  });

  it('starts although nothing it points at is there, and is not the demo', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const { port: free } = server.address() as net.AddressInfo;
        server.close(() => resolve(free));
      });
    });
    const dead = `http://127.0.0.1:${port}`;
    const router = await startRouter(readmeFile(dead, dead));
    expect((await fetch(`${router.address}/health`)).status).toBe(200);
    const list = (await (await fetch(`${router.address}/v1/models`)).json()) as { data: { id: string }[] };
    expect(list.data.map(({ id }) => id)).toEqual(['llama3-8b-instruct']);
    const refused = await chat(router, 'llama3-8b-instruct');
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('connection refused');
  });
});
