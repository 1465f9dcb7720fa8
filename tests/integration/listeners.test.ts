import { rename, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  createTestFolder,
  eventually,
  fakeModel,
  startCorral,
  type TestCorral,
  type TestFolder,
} from './support/corral.ts';
import { freePort } from './support/free-port.ts';

let folder: TestFolder;
let corral: TestCorral | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(() => (corral === undefined ? folder.dispose() : corral.stop()));

async function start(config: Record<string, unknown>): Promise<TestCorral> {
  corral = await startCorral(config, { folder });
  return corral;
}

async function save(config: Record<string, unknown>): Promise<void> {
  const draft = path.join(folder.path, 'config.draft');
  await writeFile(draft, stringify(config));
  await rename(draft, path.join(folder.path, 'config.yaml'));
}

const further = (): string[] => corral?.engine.furtherListeners().map(({ address }) => address) ?? [];
const models = { a: fakeModel({ name: 'a', tokens: 20, tokenDelayMs: 30 }) };
const seed = { dialect: 'llama_cpp_router', port: 0 };

async function canReach(address: string): Promise<boolean> {
  return await fetch(`${address}/v1/models`).then(
    () => true,
    () => false,
  );
}

/** With headers that fetch does not let one set. */
function statusOf(address: string, route: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    http
      .get(`${address}${route}`, { headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .once('error', reject);
  });
}

describe('further addresses', () => {
  it('serve the same models, each in its own language', async () => {
    const { chat, post } = await start({
      models,
      listeners: [seed, { dialect: 'native', port: 0 }, { dialect: 'ollama', port: 0 }],
    });
    const [router = '', native = '', ollama = ''] = further();
    expect(await chat('a')).toContain('a-token-1');
    const body = JSON.stringify({ model: 'a', messages: [{ role: 'user', content: 'Hello' }] });
    for (const address of [router, native, ollama]) {
      const response = await fetch(`${address}/v1/chat/completions`, { method: 'POST', body });
      expect(await response.text()).toContain('a-token-1');
    }
    expect(await (await fetch(`${router}/v1/models`)).json()).toMatchObject({ data: [{ owned_by: 'llama.cpp' }] });
    expect(await (await fetch(`${native}/v1/models`)).json()).toMatchObject({ data: [{ owned_by: 'corral' }] });
    const unknown = { model: 'nobody' };
    expect(await (await post('/v1/chat/completions', unknown)).json()).toMatchObject({ error: { source: 'corral' } });
    const refused = await fetch(`${router}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(unknown) });
    expect(await refused.json()).toEqual({ error: expect.stringMatching(/no model "nobody"/) as string });
  });

  it('have neither `/control` nor `/ui/`, whatever token is shown', async () => {
    const { engine } = await start({
      models,
      listeners: [seed, { dialect: 'native', port: 0 }, { dialect: 'ollama', port: 0 }],
    });
    const headers = { authorization: `Bearer ${engine.instanceToken}`, 'content-type': 'application/json' };
    for (const address of further()) {
      expect((await fetch(`${address}/ui/`)).status).toBe(404);
      expect((await fetch(`${address}/control/events`, { headers })).status).toBe(404);
      const command = `${address}/control/commands/eject-all-models`;
      expect((await fetch(command, { method: 'POST', headers, body: '{}' })).status).toBe(404);
    }
  });

  it('are behind the same guards', async () => {
    await start({ models, listeners: [seed] });
    const [router = ''] = further();
    expect(await statusOf(router, '/v1/models', { host: 'evil.example' })).toBe(403);
    expect(await statusOf(router, '/v1/models', { origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(router, '/config', { origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(router, '/v1/models', {})).toBe(200);
    const large = await fetch(`${router}/v1/chat/completions`, { method: 'POST', body: 'x'.repeat(70 * 2 ** 20) });
    expect(large.status).toBe(413);
    expect(await large.json()).toEqual({ error: expect.stringMatching(/larger than/) as string });
  });

  it('know keys, and show a lane only its models', async () => {
    await start({
      server: { apiKeys: [{ name: 'lane', key: 'secret', models: ['b'] }] },
      models: { ...models, b: fakeModel({ name: 'b' }) },
      listeners: [seed],
    });
    const [router = ''] = further();
    const ids = async (headers: Record<string, string>): Promise<unknown> => {
      const response = await fetch(`${router}/v1/models`, { headers });
      const body = (await response.json()) as { data?: { id: string }[] };
      return body.data?.map(({ id }) => id) ?? response.status;
    };
    expect(await ids({})).toEqual(['a', 'b']);
    expect(await ids({ authorization: 'Bearer secret' })).toEqual(['b']);
    expect(await ids({ authorization: 'Bearer wrong' })).toBe(401);
  });

  it('tell of what fails in a stream that has begun in their own shape', async () => {
    await start({
      models: { a: fakeModel({ exitAtStart: 3, loadDelayMs: 500 }, { startTimeout: '10s' }) },
      scheduler: { waitingComments: { after: '0s', interval: '1s' } },
      listeners: [seed],
    });
    const [router = ''] = further();
    const body = JSON.stringify({ model: 'a', stream: true, messages: [{ role: 'user', content: 'Hello' }] });
    const text = await (await fetch(`${router}/v1/chat/completions`, { method: 'POST', body })).text();
    const last = text.trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(last.replace(/^data: /, ''))).toEqual({ error: expect.any(String) as string });
  });
});

describe('further addresses that change while Corral runs', () => {
  it('come and go alone: the others keep what they are answering', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const config = (...listeners: unknown[]): Record<string, unknown> => ({ server: { port: 0 }, models, listeners });
    const first = { dialect: 'llama_cpp_router', port: one };
    const { address, engine } = await start(config(first, { dialect: 'native', port: two }));
    const [router = '', native = ''] = further();
    const body = JSON.stringify({ model: 'a', stream: true, messages: [{ role: 'user', content: 'Hello' }] });
    const running = await fetch(`${router}/v1/chat/completions`, { method: 'POST', body });

    await save(config(first));
    await eventually('the second is closed', async () => !(await canReach(native)));
    expect(engine.address()).toBe(address);
    expect(await running.text()).toContain('a-token-20');
    expect(further()).toEqual([router]);

    await save(config({ ...first, options: { owner: 'me' } }, { dialect: 'native', port: two }));
    await eventually('the second is back', () => canReach(native));
    const listed = (await (await fetch(`${router}/v1/models`)).json()) as { data: { owned_by: string }[] };
    expect(listed.data[0]?.owned_by).toBe('me');

    await save(config({ dialect: 'native', port: one }, { dialect: 'native', port: two }));
    await eventually('the first speaks another language', async () => {
      const now = (await (await fetch(`${router}/v1/models`)).json()) as { data: { owned_by: string }[] };
      return now.data[0]?.owned_by === 'corral';
    });
    expect(further()).toEqual([router, native]);
  });

  it('stay as they are when a new one cannot be had', async () => {
    const holder = http.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      const config = (...listeners: unknown[]): Record<string, unknown> => ({ server: { port: 0 }, models, listeners });
      const { engine } = await start(config(seed));
      const [router = ''] = further();
      await save(config(seed, { dialect: 'native', port: 0 }, { dialect: 'native', port }));
      const errors = (): string =>
        engine
          .snapshot()
          .instance.configErrors.map(({ message }) => message)
          .join();
      await eventually('the clash is told', () => errors() !== '', 8000);
      expect(errors()).toMatch(new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken by .*listeners\\[2\\]\\.port`));
      expect(further()).toEqual([router]);
      expect(await canReach(router)).toBe(true);
    } finally {
      holder.close();
    }
  });
});
