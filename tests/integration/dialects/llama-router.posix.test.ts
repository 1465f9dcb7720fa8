import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newRouterFile } from '../../../electron/engine/dialects/llama-router/router-file.ts';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { writeFakeEngine } from '../support/fake-server-command.ts';
import { FIRST_TEST_PORT, startForeign, type ForeignCorral } from '../support/foreign.ts';

let folder: TestFolder;
let corral: ForeignCorral | undefined;

beforeEach(async () => {
  folder = await createTestFolder();
  await writeFakeEngine(path.join(folder.path, 'bin'));
});
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
  await folder.dispose();
});

/** With a llama-server on the PATH that is the fake, and a home of its own. */
async function start(
  models: Record<string, unknown>[],
  more: { router?: Record<string, unknown>; default_spawn?: unknown } = {},
): Promise<ForeignCorral> {
  const base = newRouterFile();
  const document = {
    ...base,
    ...more,
    router: { ...(base['router'] as object), base_port: FIRST_TEST_PORT, ...more.router },
    models: models.map((model) => ({ path: path.join(folder.path, String(model['name'])), ...model })),
  };
  corral = await startForeign(folder, document, {
    env: { PATH: `${path.join(folder.path, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder.path },
  });
  return corral;
}

function spawnWith(...args: string[]): Record<string, unknown> {
  return { command: ['llama-server', ...args], proxy_endpoints: [], health_endpoint: '/health' };
}

const stateOf = (modelId: string): string | undefined => corral?.engine.model(modelId).state;

describe('a file of llama-router', () => {
  it('R1.3 R1.8 is known by its content, served at its port, and lists its models', async () => {
    const { ask, engine, printed } = await start([{ name: 'a.gguf' }]);
    expect(engine.furtherListeners()).toMatchObject([{ dialect: 'llama-router' }]);
    expect(printed.join('\n')).toContain('llama-router listens on http://127.0.0.1:');
    const { body } = await ask('/v1/models');
    expect(body).toEqual({
      object: 'list',
      data: [{ id: 'a.gguf', object: 'model', owned_by: 'router', created: expect.any(Number) as unknown }],
    });
  });

  it('R1.4 starts a model by its spawn command, with model, port and host appended', async () => {
    const { chat, engine } = await start([{ name: 'a.gguf' }]);
    expect(await chat('a.gguf')).toContain('a.gguf');
    const { commandLine, address } = engine.model('a.gguf');
    const port = address?.split(':')[1];
    expect(commandLine?.slice(1).join(' ')).toBe(
      `--ctx-size 4096 --n-gpu-layers 99 --model ${path.join(folder.path, 'a.gguf')} --port ${port} --host 127.0.0.1`,
    );
  });

  it('R1.6 R1.9 starts although the file of a manual model is missing, and only its requests fail', async () => {
    const models = [
      { name: 'gone', path: '/nowhere/gone.gguf', spawn: spawnWith('--fake-exit-at-start', '1') },
      { name: 'a' },
    ];
    const { ask, chat } = await start(models);
    const { status, body } = await ask('/v1/chat/completions', { method: 'POST', body: '{"model":"gone"}' });
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: 'failed to start process' });
    await chat('a');
  });

  it('R1.2 R1.6 looks into the caches at its start', async () => {
    const cached = path.join(folder.path, '.cache/llama.cpp/new.gguf');
    await mkdir(path.dirname(cached), { recursive: true });
    await writeFile(cached, '');
    const gone = { name: 'gone', path: '/nowhere.gguf', state: 'auto' };
    const { ask } = await start([gone, { name: 'a' }]);
    const names = async (): Promise<string[]> =>
      ((await ask('/v1/models')).body as { data: { id: string }[] }).data.map(({ id }) => id);
    await eventually('the list is in step', async () => (await names()).join() === 'a,new.gguf');
  });
});

describe('ports', () => {
  it('R1.3 are counted from base_port on, past one that is taken', async () => {
    const holder = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port: taken } = holder.address() as net.AddressInfo;
    const models = [
      { name: 'a', group: 'g' },
      { name: 'b', group: 'g' },
    ];
    const { chat, engine } = await start(models, { router: { base_port: taken } });
    await chat('a');
    await chat('b');
    const [a = 0, b = 0] = ['a', 'b'].map((id) => Number(engine.model(id).address?.split(':')[1]));
    holder.close();
    expect(a).toBeGreaterThan(taken);
    expect(b).toBeGreaterThan(a);
    expect(b - taken, 'near it').toBeLessThan(1000);
  });
});

describe('groups', () => {
  it('R1.7 coexist within, and take turns between', async () => {
    const { chat } = await start([
      { name: 'q4', group: '8b-models' },
      { name: 'q8', group: '8b-models' },
      { name: 'big', group: '70b-models' },
      { name: 'alone' },
    ]);
    await chat('q4');
    await chat('q8');
    expect([stateOf('q4'), stateOf('q8')], 'no restart within the group').toEqual(['ready', 'ready']);
    await chat('big');
    expect([stateOf('q4'), stateOf('q8'), stateOf('big')]).toEqual(['off', 'off', 'ready']);
    await chat('alone');
    expect([stateOf('big'), stateOf('alone')], 'no group is a group of its own').toEqual(['off', 'ready']);
  });
});

describe('health, properties and slots', () => {
  it('R1.10 of a model start it; bare ones go to the last one started, and start nothing', async () => {
    const { ask } = await start([{ name: 'a' }, { name: 'b' }]);
    expect(await ask('/health')).toMatchObject({ status: 503, text: 'no models running' });
    expect(await ask('/a/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(stateOf('a')).toBe('ready');
    for (const route of ['/a/props', '/a/slots', '/health', '/props', '/slots']) {
      expect((await ask(route)).status, route).toBe(200);
    }
    expect(stateOf('b')).toBe('off');
  });

  it('R1.10 refuse to start a model for a page of another site', async () => {
    const { ask } = await start([{ name: 'a' }]);
    const { status } = await ask('/a/health', { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(status).toBe(503);
    expect(stateOf('a')).toBe('off');
  });

  it('R1.9 R1.10 know which models there are', async () => {
    const { ask } = await start([{ name: 'a' }]);
    expect(await ask('/b/health')).toMatchObject({ status: 404, body: { error: 'model not found' } });
  });
});

describe('failures', () => {
  it('R1.9 have the shapes of the program', async () => {
    const { ask } = await start([{ name: 'a', spawn: { ...spawnWith(), proxy_endpoints: ['/v1/'] } }]);
    const post = (route: string, body: string): ReturnType<typeof ask> => ask(route, { method: 'POST', body });
    expect(await post('/v1/chat/completions', '{"model":"b"}')).toMatchObject({
      status: 404,
      body: { error: 'model not found' },
    });
    for (const body of ['{', '{"messages":[]}']) {
      expect(await post('/v1/chat/completions', body)).toMatchObject({
        status: 400,
        body: { error: 'invalid json or model missing' },
      });
    }
    expect(await post('/completion', '{"model":"a"}')).toMatchObject({
      status: 404,
      body: { error: 'endpoint not proxied' },
    });
    expect(await ask('/a/health')).toMatchObject({ status: 404, body: { error: 'endpoint not proxied' } });
    expect(await ask('/nowhere')).toMatchObject({ status: 404, body: { error: 'not found' } });
  });
});

describe('the admin endpoints', () => {
  it('R1.11 stop all models', async () => {
    const { ask, chat } = await start([{ name: 'a' }], { router: { admin_token: 's3cret' } });
    await chat('a');
    expect(await ask('/admin/reload', { method: 'POST' })).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    const wrong = { 'x-admin-token': 'wrong' };
    expect(await ask('/admin/reload', { method: 'POST', headers: wrong })).toMatchObject({ status: 403 });
    expect(stateOf('a')).toBe('ready');
    const headers = { authorization: 'Bearer s3cret' };
    expect(await ask('/admin/reload', { method: 'POST', headers })).toMatchObject({
      status: 200,
      body: { status: 'reloaded' },
    });
    expect(stateOf('a')).toBe('off');
    expect((await ask('/admin/reload', { headers })).status, 'not with a GET').toBe(405);
  });

  it("R1.11 take Corral's own token where the file has none", async () => {
    const { ask } = await start([{ name: 'a' }]);
    expect(await ask('/admin/rescan')).toMatchObject({ status: 403, body: { error: 'forbidden' } });
    expect(await ask('/admin/rescan', { isAdmin: true })).toMatchObject({
      status: 200,
      body: { status: 'rescanned', new_models: 0, removed: 0 },
    });
  });

  it('R1.6 R1.11 find what came into the cache, and let go of what went', async () => {
    const { ask, chat, configFile } = await start(
      [{ name: 'hand-made', path: '/nowhere.gguf', state: 'manual', note: 'mine' }],
      { router: { admin_token: 's3cret' } },
    );
    const cached = path.join(folder.path, '.cache/huggingface/hub/models--o--r/snapshots/1/m-Q4_K_M.gguf');
    await mkdir(path.dirname(cached), { recursive: true });
    await writeFile(cached, '');
    const headers = { 'x-admin-token': 's3cret' };
    const found = { status: 'rescanned', new_models: 1, removed: 0 };
    expect(await ask('/admin/rescan', { headers })).toMatchObject({ status: 200, body: found });
    expect(await chat('m-Q4_K_M.gguf'), 'at once').toContain('m-Q4_K_M');
    await rm(cached);
    const gone = { status: 'rescanned', new_models: 0, removed: 1 };
    expect(await ask('/admin/rescan', { headers })).toMatchObject({ status: 200, body: gone });
    const file = JSON.parse(await readFile(configFile, 'utf8')) as { models: unknown[] };
    expect(file.models).toEqual([{ name: 'hand-made', path: '/nowhere.gguf', state: 'manual', note: 'mine' }]);
    await eventually('the list follows', async () => !(await ask('/v1/models')).text.includes('m-Q4_K_M'));
  });
});

describe('swap notices', () => {
  it('R1.14 say in streams what is being loaded, where they are wanted', async () => {
    const { address } = await start([{ name: 'a', group: 'g', spawn: spawnWith('--fake-load-delay', '300') }], {
      router: { notify_model_swap: true },
    });
    const ask = async (): Promise<string> => {
      const body = JSON.stringify({ model: 'a', stream: true, messages: [{ role: 'user', content: 'x' }] });
      return await (await fetch(`${address}/v1/chat/completions`, { method: 'POST', body })).text();
    };
    const [first] = (await ask()).split('\n\n');
    expect(JSON.parse(first?.replace(/^data: /, '') ?? '')).toEqual({
      choices: [{ delta: { reasoning_content: '[llama-router] Loading a (g)\n' }, index: 0 }],
    });
    expect(await ask(), 'once it is loaded').not.toContain('[llama-router]');
  });
});

describe('a model that never becomes ready', () => {
  it('R1.9 R1.12 is told of in the log, and to who asked', async () => {
    const { ask, logLines } = await start([{ name: 'X', spawn: spawnWith('--fake-refuse-health') }], {
      router: { ready_timeout_s: 1 },
    });
    const { status, body } = await ask('/v1/chat/completions', { method: 'POST', body: '{"model":"X"}' });
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: 'backend not ready' });
    const line = /Backend for X did not become ready on port \d+ within 1000 ms/;
    await eventually('the log says it', () => line.test(logLines.join('\n')));
  });
});
