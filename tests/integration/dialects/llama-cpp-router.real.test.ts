import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readEventData } from '#shared/contract/http-bridge.ts';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { openDoor, type DialectDoor } from '../support/dialect-door.ts';
import { ensureRealLlamaServer } from '../support/real-llama-server.ts';

const graniteSentence = 'The red barn stands on the hill.';
const otherSentence = 'A blue river runs through town.';

let llamaServer: string;
let folder: TestFolder;
let door: DialectDoor | undefined;

beforeAll(async () => {
  llamaServer = await ensureRealLlamaServer();
});
beforeEach(async () => {
  folder = await createTestFolder();
  door = undefined;
});
afterEach(() => (door === undefined ? folder.dispose() : door.corral.stop()));

/** The README's file, with models small enough for any machine. */
async function start(more: Record<string, unknown> = {}): Promise<DialectDoor> {
  const model = async (name: string, sentence: string, port: number, rest: Record<string, unknown> = {}) => ({
    modelFilePath: await folder.write(`${name}.gguf`, buildSentenceModel({ name, sentence })),
    common: { cacheType: 'f32', contextSize: '1k', nGpuLayers: 0 },
    // Mirostat looks for surprises, and these models have only one thing to say.
    sampling: { mirostat: 0 },
    network: { port },
    ...rest,
  });
  door = await openDoor(
    {
      owner: 'llama.cpp',
      system: { llamaServer },
      server: { port: 0 },
      models: {
        'granite-4.0-nano': await model('granite', graniteSentence, 9101),
        'jina-embeddings-v4-text-retrieval': await model('jina', otherSentence, 9102, {
          embeddings: true,
          pooling: 'mean',
        }),
      },
      ...more,
    },
    folder,
  );
  return door;
}

const chat = (model: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model,
  messages: [{ role: 'user', content: 'Hello' }],
  ...more,
});

async function say(from: DialectDoor, model: string): Promise<string> {
  const response = await from.post('/v1/chat/completions', chat(model));
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
}

describe('the file of llama_cpp_router', () => {
  it('R0.4 answers the README’s `curl /v1/models` to the letter', async () => {
    const { get } = await start();
    const response = await get('/v1/models');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      object: 'list',
      data: [
        { object: 'model', id: 'granite-4.0-nano', owned_by: 'llama.cpp' },
        { object: 'model', id: 'jina-embeddings-v4-text-retrieval', owned_by: 'llama.cpp' },
      ],
    });
  });

  it('R0.5 passes chat on, with and without `stream`, and embeddings', async () => {
    const { post } = await start();
    if (door === undefined) throw new Error('not started');
    expect(await say(door, 'granite-4.0-nano')).toBe(graniteSentence);

    const stream = await post('/v1/chat/completions', chat('granite-4.0-nano', { stream: true }));
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    if (stream.body === null) throw new Error('no body');
    let text = '';
    for await (const data of readEventData(stream.body)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as { choices: [{ delta: { content?: string | null } }] };
      text += chunk.choices[0].delta.content ?? '';
    }
    expect(text).toBe(graniteSentence);

    const embedded = await post('/v1/embeddings', { model: 'jina-embeddings-v4-text-retrieval', input: 'Hello' });
    const vectors = (await embedded.json()) as { data: [{ embedding: number[] }] };
    expect(embedded.status).toBe(200);
    expect(vectors.data[0].embedding.length).toBeGreaterThan(0);
  });

  it('refuses embeddings of a model that was not started for them, without starting it', async () => {
    const { post, corral } = await start();
    const response = await post('/v1/embeddings', { model: 'granite-4.0-nano', input: 'Hello' });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'This server does not support embeddings.' });
    expect(corral.model('granite-4.0-nano').state).toBe('off');
  });

  it('R0.7 shows the running configuration and takes another one in its place, with a token', async () => {
    const { get, post, corral } = await start({
      server: { port: 0, adminToken: 'let-me-in', allowRemoteConfig: true },
    });
    const file = path.join(folder.path, 'config.yaml');
    const running = (await (await get('/config')).json()) as { models: Record<string, Record<string, unknown>> };
    expect(running).toMatchObject({ owner: 'llama.cpp', unloadDuration: 30, concurrentModels: 2 });
    expect(JSON.stringify(running)).not.toContain('let-me-in');

    const posted = { ...running, owner: 'somebody', models: { renamed: running.models['granite-4.0-nano'] } };
    const nobody = await post('/config', posted);
    expect(nobody.status).toBe(401);
    const admin = { authorization: 'Bearer let-me-in' };
    const broken = await post('/config', { ...posted, owner: 5 }, admin);
    expect(broken.status).toBe(400);
    expect(await broken.json()).toEqual({ success: false, error: expect.stringMatching(/owner/) as string });
    expect((await post('/config', '{', admin)).status).toBe(400);
    const before = await readFile(file, 'utf8');

    const replaced = await post('/config', posted, admin);
    expect(await replaced.json()).toEqual({ success: true, message: 'Config reloaded successfully' });
    expect(replaced.status).toBe(200);
    expect(await (await get('/v1/models')).json()).toEqual({
      object: 'list',
      data: [{ object: 'model', id: 'renamed', owned_by: 'somebody' }],
    });
    if (door === undefined) throw new Error('not started');
    expect(await say(door, 'renamed')).toBe(graniteSentence);
    expect(await readFile(`${file}.previous`, 'utf8')).toBe(before);
    const saved = JSON.parse(await readFile(file, 'utf8')) as unknown;
    expect(saved).toMatchObject({ owner: 'somebody', server: { adminToken: 'let-me-in', allowRemoteConfig: true } });
    // It was a change of the file by whoever may do it, so the token is still what it was.
    expect((await post('/config', posted, admin)).status).toBe(200);
    expect(corral.engine.snapshot().instance.configErrors).toEqual([]);
  });

  it('takes no configuration over HTTP unless the file allows it', async () => {
    const { post, get } = await start({ server: { port: 0, adminToken: 'let-me-in' } });
    const response = await post('/config', await (await get('/config')).json(), { authorization: 'Bearer let-me-in' });
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/allowRemoteConfig/) as string });
  });

  it('R0.9 makes room by unloading what was used least recently, and never what is not `unloadable`', async () => {
    const small = { cacheType: 'f32', contextSize: 512, nGpuLayers: 0 };
    const file = await folder.write('any.gguf', buildSentenceModel({ name: 'any', sentence: otherSentence }));
    const model = (port: number, more: Record<string, unknown> = {}): Record<string, unknown> => {
      return { modelFilePath: file, common: small, sampling: { mirostat: 0 }, network: { port }, ...more };
    };
    const started = await start({
      models: { kept: model(1, { unloadable: false }), first: model(2), second: model(3) },
    });
    const states = (): Record<string, string> =>
      Object.fromEntries(started.corral.engine.snapshot().models.map(({ id, state }) => [id, state]));
    for (const name of ['kept', 'first', 'second']) expect(await say(started, name)).toBe(otherSentence);
    expect(states()).toEqual({ kept: 'ready', first: 'off', second: 'ready' });
    expect(started.corral.model('first').lastExit?.askedBy).toBe('makes room for second');
  });

  it('R0.10 unloads a model that is idle for `unloadDuration` minutes', async () => {
    const started = await start({ unloadDuration: 1 / 60 });
    await say(started, 'granite-4.0-nano');
    const { model } = started.corral;
    await eventually('it is unloaded', () => model('granite-4.0-nano').state === 'off', 6000);
    expect(model('granite-4.0-nano').lastExit?.askedBy).toMatch(/idle/);
  });

  it('gives llama-server what the file says', async () => {
    const started = await start();
    await started.post('/v1/embeddings', { model: 'jina-embeddings-v4-text-retrieval', input: 'Hello' });
    const line = started.corral.model('jina-embeddings-v4-text-retrieval').commandLine?.join(' ');
    for (const expected of [
      /--embeddings? --pooling mean/,
      /--cache-type-k f32/,
      /--cache-type-v f32/,
      /--ctx-size 1024/,
      /--n-gpu-layers 0/,
      /--flash-attn on/,
      /--threads -1/,
      /--jinja/,
      /--temp 0\.8 --top-k 40 --top-p 0\.9 --min-p 0\.1 --repeat-penalty 1 --mirostat 0/,
    ]) {
      expect(line).toMatch(expected);
    }
  });

  it('says what goes wrong in its own shape', async () => {
    const { get, post } = await start();
    const nothing = await get('/nothing/here');
    expect(nothing.status).toBe(404);
    expect(await nothing.json()).toEqual({ notFound: true });
    expect(await (await get('/health')).json()).toEqual({ notFound: true });
    const unknown = await post('/v1/chat/completions', chat('nobody'));
    expect(unknown.status).toBe(500);
    expect(await unknown.json()).toEqual({ error: expect.stringMatching(/There is no model "nobody"/) as string });
    // What a model's own server says is not lost.
    const refused = await post('/v1/chat/completions', { model: 'granite-4.0-nano', messages: 'none' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.headers.get('x-corral-error')).toBeNull();
  });

  it('applies what is changed in the file, and keeps the last good one where it is broken', async () => {
    const { get, corral } = await start();
    const file = path.join(folder.path, 'config.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('owner: llama.cpp', 'owner: changed'));
    const owner = async (): Promise<string | undefined> =>
      ((await (await get('/v1/models')).json()) as { data: { owned_by: string }[] }).data[0]?.owned_by;
    await eventually('the owner is new', async () => (await owner()) === 'changed');
    await writeFile(file, text.replace('owner: llama.cpp', 'owner: [1]'));
    const errors = (): readonly { path: string }[] => corral.engine.snapshot().instance.configErrors;
    await eventually('the mistake is told', () => errors().length > 0);
    expect(errors()).toMatchObject([{ path: 'owner' }]);
    expect(await owner()).toBe('changed');
  });

  it('is never edited by a form', async () => {
    const { corral } = await start();
    await expect(corral.bridge.call('read-settings', {})).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/llama_cpp_router.*corral config import/) as string,
    });
  });
});
