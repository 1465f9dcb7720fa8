import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

const states = (): Record<string, string> =>
  Object.fromEntries(corral.engine.snapshot().models.map(({ id, state }) => [id, state]));

describe('sets', () => {
  it('loaded together come with the first that is asked for by the set’s name, and take one place', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 1 },
      models: {
        chat: fakeModel({ name: 'chat' }),
        embed: fakeModel({ name: 'embed' }),
        big: fakeModel({ name: 'big' }),
      },
      sets: { work: { models: ['chat', 'embed'], load: 'together' } },
    });
    expect(await corral.chat('work/chat')).toContain('chat-token-1');
    await eventually('embed came along', () => states()['embed'] === 'ready');
    expect(states()).toEqual({ chat: 'ready', embed: 'ready', big: 'off' });
    await corral.chat('big');
    expect(states()).toEqual({ chat: 'off', embed: 'off', big: 'ready' });
    // Asked for by its own name, a member comes alone.
    await corral.chat('embed');
    expect(states()).toEqual({ chat: 'off', embed: 'ready', big: 'off' });
  });

  it('that are exclusive bear nothing beside them but pinned models', async () => {
    corral = await startCorral({
      memory: { maxLoaded: 4 },
      models: { a: fakeModel(), b: fakeModel(), small: fakeModel(), kept: fakeModel({}, { pinned: true }) },
      sets: { heavy: { models: ['a', 'b'], exclusive: true } },
    });
    await corral.chat('small');
    await corral.chat('kept');
    await corral.chat('a');
    expect(states()).toMatchObject({ a: 'ready', small: 'off', kept: 'ready' });
    await corral.chat('b');
    expect(states()).toMatchObject({ a: 'ready', b: 'ready' });
    await corral.chat('small');
    expect(states()).toMatchObject({ a: 'off', b: 'off', small: 'ready', kept: 'ready' });
  });
});

describe('lanes', () => {
  it('may use their models only, see only those, and run as many requests as they are allowed', async () => {
    corral = await startCorral({
      server: {
        apiKeys: [
          { name: 'editor', key: 'key-editor', models: ['one'], concurrency: 1 },
          { name: 'chat', key: 'key-chat', priority: 5 },
        ],
      },
      memory: { maxLoaded: 2 },
      models: { one: fakeModel({ name: 'one', slots: 4, tokens: 5, tokenDelayMs: 40 }), two: fakeModel() },
    });
    const as = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
    const refused = await corral.post('/v1/chat/completions', { model: 'two', messages: [] }, as('key-editor'));
    expect(refused.status).toBe(403);
    const list = (await (await fetch(`${corral.address}/v1/models`, as('key-editor'))).json()) as {
      data: { id: string }[];
    };
    expect(list.data.map(({ id }) => id)).toEqual(['one']);

    await corral.bridge.call('load-model', { model: 'one' });
    const editors = Array.from({ length: 3 }, () =>
      corral.post('/v1/chat/completions', { model: 'one', messages: [] }, as('key-editor')),
    );
    await eventually(
      'the second editor waits for its lane',
      () => corral.engine.snapshot().queue[0]?.waitsFor === 'lane',
    );
    const other = await corral.post('/v1/chat/completions', { model: 'one', messages: [] }, as('key-chat'));
    expect(other.status).toBe(200);
    expect((await Promise.all(editors)).map((response) => response.status)).toEqual([200, 200, 200]);
  });
});

describe('filters', () => {
  it('strip and set parameters, and leave everything else to the letter', async () => {
    corral = await startCorral({
      models: {
        plain: fakeModel(),
        cold: fakeModel({}, { filters: { strip: ['temperature', 'nothing'], set: { seed: 7 } } }),
      },
      memory: { maxLoaded: 2 },
    });
    // The fake echoes what reaches routes it does not know.
    const echo = async (body: unknown): Promise<{ bodyLength: number }> => {
      const response = await corral.post('/v1/audio/speech', body);
      return ((await response.json()) as { echo: { bodyLength: number } }).echo;
    };
    const body = { model: 'plain', temperature: 0.7, top_p: 1 };
    expect((await echo(body)).bodyLength).toBe(JSON.stringify(body).length);
    const filtered = JSON.stringify({ model: 'cold', top_p: 1, seed: 7 });
    expect((await echo({ ...body, model: 'cold' })).bodyLength).toBe(filtered.length);
  });
});

describe('/upstream', () => {
  it('passes any route to the model its path begins with, but loads it on a GET only when asked to', async () => {
    corral = await startCorral({ models: { 'org/model': fakeModel({ name: 'deep' }), org: fakeModel() } });
    const unloaded = await fetch(`${corral.address}/upstream/org/model/props`);
    expect(unloaded.status).toBe(503);
    expect(states()).toEqual({ 'org/model': 'off', org: 'off' });
    const loaded = await fetch(`${corral.address}/upstream/org/model/fake/stats?corral-start=1`);
    expect(await loaded.json()).toHaveProperty('requests');
    expect(states()['org/model']).toBe('ready');
    const posted = await corral.post('/upstream/org/model/v1/chat/completions', { messages: [] });
    expect(await posted.text()).toContain('deep-token-1');
    expect((await corral.post('/upstream/org/model/tools', {})).status).toBe(403);
    expect((await fetch(`${corral.address}/upstream/nobody/props`)).status).toBe(404);
  });
});

describe('servers behind a command', () => {
  it('are ready when their pattern appears, and are ended by their stop command', async () => {
    corral = await startCorral({
      models: {
        spoken: fakeModel({ readyLine: 'open for business' }, { health: 'none', readyPattern: 'open for \\w+' }),
        told: fakeModel(
          { ignoreSigterm: true },
          {
            stopCommand: [process.execPath, '-e', 'process.kill(Number(process.argv[1]), "SIGKILL")', '${PID}'],
            stopGrace: '8s',
          },
        ),
      },
    });
    expect(await corral.chat('spoken')).toContain('token');
    await corral.bridge.call('load-model', { model: 'told' });
    const { ejected } = await corral.bridge.call('eject-model', { model: 'told' });
    expect(ejected).toMatchObject({ wasLoaded: true, signal: 'SIGKILL' });
    expect(ejected.tookMs).toBeLessThan(4000);
  });
});
