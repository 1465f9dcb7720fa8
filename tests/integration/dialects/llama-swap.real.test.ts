import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readEventData } from '#shared/contract/http-bridge.ts';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { eventually } from '../support/corral.ts';
import { startForeign, type ForeignCorral } from '../support/foreign.ts';
import { useRealLlamaServer } from '../support/use-real-llama-server.ts';

const llamaSentence = 'The red barn stands on the hill.';
const qwenSentence = 'A blue river runs through town.';
const longSentence = Array.from({ length: 300 }, (_, index) => `word${index + 1}`).join(' ');

const stage = useRealLlamaServer();

async function model(name: string, sentence: string): Promise<string> {
  return await stage.folder.write(`${name}.gguf`, buildSentenceModel({ name, sentence }));
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A model with a port of its own, as early llama-swap needs it. */
async function fixed(
  name: string,
  sentence: string,
  more: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const port = await freePort();
  const file = await model(name, sentence);
  return {
    cmd: `"${stage.llamaServer}" --port ${port} -m "${file}" -c 1024`,
    proxy: `http://127.0.0.1:${port}`,
    ...more,
  };
}

async function serve(
  document: Record<string, unknown> | string,
  env: Record<string, string> = {},
): Promise<ForeignCorral> {
  const text = typeof document === 'string' ? document : stringify(document);
  const corral = await startForeign(stage.folder, text, { name: 'config.yaml', env });
  stage.endAfterwards(corral.stop);
  return corral;
}

const states = ({ engine }: ForeignCorral): Record<string, string> =>
  Object.fromEntries(engine.snapshot().models.map(({ id, state }) => [id, state]));

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('the README’s own example', () => {
  async function example(): Promise<string> {
    const readme = await readFile(new URL('../../fixtures/seeds/examples/llama-swap.yaml', import.meta.url), 'utf8');
    return readme
      .replaceAll('llama-server', stage.llamaServer)
      .replaceAll('8999', String(await freePort()))
      .replace('Llama-3.2-1B-Instruct-Q4_K_M.gguf', await model('llama', llamaSentence))
      .replace('path/to/Qwen2.5-1.5B-Instruct-Q4_K_M.gguf', await model('qwen', qwenSentence))
      .replace('/custom-endpoint', '/v1/models');
  }

  it('R4.1 R4.2 R4.5 is served as it stands: models, aliases, both completions, and one port for two models', async () => {
    const running = await serve(await example());
    expect(await running.chat('llama')).toBe(llamaSentence);
    expect(await running.chat('gpt-4o-mini')).toBe(llamaSentence);
    expect(await running.chat('gpt-3.5-turbo')).toBe(llamaSentence);
    expect(await running.chat('qwen')).toBe(qwenSentence);
    expect(states(running)).toEqual({ llama: 'off', qwen: 'ready' });
    const completion = await running.ask('/v1/completions', json({ model: 'llama', prompt: 'Hello' }));
    expect(completion.status).toBe(200);
    expect((completion.body as { choices: [{ text: string }] }).choices[0].text).toContain('red barn');
    const list = await running.ask('/v1/models');
    expect(list.body).toEqual({
      data: ['llama', 'qwen'].map((id) => ({
        id,
        object: 'model',
        created: expect.any(Number) as number,
        owned_by: 'llama-swap',
      })),
    });
  });

  it('R4.4 has a profile whose members share an address: the one asked for is loaded', async () => {
    const running = await serve(await example());
    expect(await running.chat('coding/qwen')).toBe(qwenSentence);
    expect(await running.chat('coding/gpt-4o-mini')).toBe(llamaSentence);
    expect(states(running)).toEqual({ llama: 'ready', qwen: 'off' });
  });

  it('says in the log what could not be taken over to the letter', async () => {
    const running = await serve(await example());
    expect(running.logLines.join('\n')).toContain('127.0.0.1');
  });
});

describe('one model or one profile at a time', () => {
  it('R4.3 stops the other model first, and an unknown name disturbs nobody', async () => {
    const running = await serve({ models: { a: await fixed('a', llamaSentence), b: await fixed('b', qwenSentence) } });
    expect(await running.chat('a')).toBe(llamaSentence);
    for (const name of ['nobody', 'nowhere/a', 'a/b']) {
      expect((await running.ask('/v1/chat/completions', json({ model: name, messages: [] }))).status).toBe(404);
    }
    expect(states(running)).toEqual({ a: 'ready', b: 'off' });
    const { pid } = running.engine.model('a');
    expect(await running.chat('b')).toBe(qwenSentence);
    expect(states(running)).toEqual({ a: 'off', b: 'ready' });
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
  });

  it('R4.3 lets a stream end before its model goes', async () => {
    const running = await serve({
      models: { long: await fixed('long', longSentence), b: await fixed('b', qwenSentence) },
    });
    const stream = await fetch(
      `${running.address}/v1/chat/completions`,
      json({ model: 'long', stream: true, messages: [{ role: 'user', content: 'Go on' }] }),
    );
    const other = running.chat('b');
    let text = '';
    for await (const data of readEventData(stream.body!)) {
      if (data === '[DONE]') continue;
      text += (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '';
    }
    expect(text).toBe(longSentence);
    expect(await other).toBe(qwenSentence);
    expect(states(running)).toEqual({ long: 'off', b: 'ready' });
  });

  it('R4.4 loads and unloads all members of a profile together; aliases work behind the slash', async () => {
    const running = await serve({
      models: {
        qwen: await fixed('qwen', qwenSentence, { aliases: ['q'] }),
        llama: await fixed('llama', llamaSentence),
        'org/other': await fixed('other', 'Something else entirely.'),
      },
      profiles: { coding: ['qwen', 'llama'] },
    });
    expect(await running.chat('coding/q')).toBe(qwenSentence);
    await eventually('its fellow came along', () => states(running)['llama'] === 'ready', 15_000);
    const { pid } = running.engine.model('qwen');
    expect(await running.chat('coding/llama')).toBe(llamaSentence);
    expect(running.engine.model('qwen').pid).toBe(pid);

    // Names with a slash of their own survive, and take the whole place.
    expect(await running.chat('org/other')).toBe('Something else entirely.');
    expect(states(running)).toEqual({ qwen: 'off', llama: 'off', 'org/other': 'ready' });

    // A member by its own name is a model like any other.
    expect(await running.chat('qwen')).toBe(qwenSentence);
    expect(await running.chat('llama')).toBe(llamaSentence);
    expect(states(running)).toEqual({ qwen: 'off', llama: 'ready', 'org/other': 'off' });
    expect(await running.chat('coding/qwen')).toBe(qwenSentence);
    expect(states(running)).toMatchObject({ qwen: 'ready', llama: 'ready' });
    expect(await running.chat('llama')).toBe(llamaSentence);
    await eventually('it is alone again', () => states(running)['qwen'] === 'off', 15_000);
    expect(states(running)['llama']).toBe('ready');
  });
});

describe('settings of a model', () => {
  it('R4.7 unloads it after ttl seconds without requests, and never with 0', async () => {
    const running = await serve({
      models: {
        short: await fixed('short', llamaSentence, { ttl: 1 }),
        kept: await fixed('kept', qwenSentence, { ttl: 0 }),
      },
      groups: { all: { swap: false, members: ['short', 'kept'] } },
    });
    await running.chat('kept');
    await running.chat('short');
    await eventually('it is unloaded for being idle', () => states(running)['short'] === 'off', 10_000);
    expect(running.engine.model('short').lastExit?.askedBy).toMatch(/^idle for/);
    expect(states(running)['kept']).toBe('ready');
  });

  it('R4.2 adds env to the environment, and takes a command of several lines', async () => {
    const { cmd, proxy } = await fixed('a', llamaSentence);
    const lines = String(cmd).replace(' -m ', '\n  # the model\n  -m ').replace(' -c ', ' \\\n  -c ');
    const running = await serve(
      stringify({ models: { a: { cmd: lines, proxy, env: ['LLAMA_ARG_ALIAS=said in env'] } } }),
      { LLAMA_ARG_N_PREDICT: '3' },
    );
    // The second is of the environment that Corral itself was started in.
    expect(await running.chat('a')).toBe('The red barn');
    const upstream = await running.ask('/upstream/a/v1/models');
    expect((upstream.body as { data: [{ id: string }] }).data[0].id).toBe('said in env');
  });

  it('R4.2 asks checkEndpoint, or nobody where it is none', async () => {
    const running = await serve({
      models: {
        asked: await fixed('asked', llamaSentence, { checkEndpoint: '/v1/models' }),
        trusted: await fixed('trusted', qwenSentence, { checkEndpoint: 'none' }),
      },
    });
    expect(await running.chat('asked')).toBe(llamaSentence);
    const first = await running.ask('/v1/chat/completions', json({ model: 'trusted', messages: [] }));
    expect([200, 500, 502, 503]).toContain(first.status);
    expect(running.engine.model('trusted').state).toBe('ready');
    await eventually(
      'its server listens',
      async () => (await running.ask('/v1/completions', json({ model: 'trusted', prompt: 'Hello' }))).status === 200,
      15_000,
    );
    expect(await running.chat('trusted')).toBe(qwenSentence);
  });
});

describe('the log', () => {
  async function readUntil(response: Response, pattern: RegExp): Promise<string> {
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = '';
    while (!pattern.test(text)) {
      const { done, value } = (await reader.read()) as { done: boolean; value?: Uint8Array };
      if (done) throw new Error(`the stream ended: ${text}`);
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
    return text;
  }

  it('R4.8 is told to the last 10 KB, streamed with and without history, and as events', async () => {
    const running = await serve({ models: { a: await fixed('a', llamaSentence), b: await fixed('b', qwenSentence) } });
    await running.chat('a');
    const logs = await fetch(`${running.address}/logs`);
    expect(logs.headers.get('content-type')).toMatch(/^text\/plain/);
    const history = await logs.text();
    expect(history).toContain('llama-server');
    expect(Buffer.byteLength(history)).toBeLessThanOrEqual(10 * 1024);

    const plain = await fetch(`${running.address}/logs/stream`);
    const bare = await fetch(`${running.address}/logs/stream?no-history`);
    const events = await fetch(`${running.address}/logs/streamSSE`);
    expect(plain.headers.get('transfer-encoding')).toBe('chunked');
    expect(events.headers.get('content-type')).toMatch(/^text\/event-stream/);
    await running.chat('b');
    const [, fromNow, asEvents] = await Promise.all([
      readUntil(plain, /a\.gguf[\s\S]*b\.gguf/),
      readUntil(bare, /b\.gguf/),
      readUntil(events, /b\.gguf/),
    ]);
    expect(fromNow).not.toContain('Listening on');
    expect(asEvents).toMatch(/^event: ?message\n(?:data: ?.+\n)+\n/m);
    expect(asEvents).toContain('a.gguf');
  });

  it('is there for each model, for all of them and for Corral itself, and ends with Corral', async () => {
    const running = await serve({ models: { a: await fixed('a', llamaSentence) } });
    await running.chat('a');
    expect((await running.ask('/logs/stream/nobody')).status).toBe(404);
    const ofModel = await fetch(`${running.address}/logs/stream/a`);
    const own = await fetch(`${running.address}/logs/stream/proxy`);
    expect(await readUntil(ofModel, /a\.gguf/)).not.toContain('Listening on');
    expect(await readUntil(own, /Listening on/)).not.toContain('gguf');
    const open = await fetch(`${running.address}/logs/stream`);
    const text = open.text();
    await running.stop();
    expect(await text).toContain('Shutting down');
  });
});

describe('errors', () => {
  it('are llama-swap’s own: 400, 404, 500 and 502', async () => {
    const port = await freePort();
    const running = await serve({
      models: {
        missing: { cmd: '/nowhere/llama-server --port 1', proxy: `http://127.0.0.1:${port}` },
        mute: {
          cmd: `"${process.execPath}" -e "setInterval(() => 0, 1000)"`,
          proxy: `http://127.0.0.1:${port}`,
          checkEndpoint: 'none',
        },
      },
    });
    const chat = (body: unknown): ReturnType<ForeignCorral['ask']> => running.ask('/v1/chat/completions', json(body));
    expect((await chat('{"model": "missing"')).status).toBe(400);
    expect((await chat({ messages: [] })).status).toBe(400);
    expect((await chat({ model: 'nobody' })).status).toBe(404);
    expect((await running.ask('/nothing')).status).toBe(404);
    const failed = await chat({ model: 'missing', messages: [] });
    expect([failed.status, failed.text]).toEqual([500, expect.stringMatching(/^unable to start process: /) as string]);
    expect((await chat({ model: 'mute', messages: [] })).status).toBe(502);
  });

  it('name a program that holds the address of a model', async () => {
    const document = { models: { a: await fixed('a', llamaSentence) } };
    const port = Number(/:(\d+)$/.exec(String(document.models.a['proxy']))?.[1]);
    const other = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      const running = await serve(document);
      const refused = await running.ask('/v1/chat/completions', json({ model: 'a', messages: [] }));
      expect(refused.status).toBe(500);
      expect(refused.text).toContain(`another program listens on 127.0.0.1:${port}`);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe('today’s llama-swap', () => {
  it('has its routes: health, running, unload with a token, upstream', async () => {
    const file = await model('a', llamaSentence);
    const running = await serve({
      macros: { server: `"${stage.llamaServer}" --port \${PORT}` },
      models: {
        a: { cmd: `\${server} -m "${file}" -c 1024`, ttl: 300, name: 'A', unlisted: true },
        b: { cmd: `\${server} -m "${file}" -c 1024`, description: 'B', metadata: { id: '${MODEL_ID}' } },
      },
    });
    expect((await running.ask('/health')).text).toBe('OK');
    expect((await running.ask('/running')).body).toEqual({ running: [] });
    expect((await running.ask('/v1/models')).body).toMatchObject({
      data: [{ id: 'b', description: 'B', meta: { llamaswap: { id: 'b' } } }],
    });
    expect(await running.chat('a')).toBe(llamaSentence);
    expect((await running.ask('/running')).body).toEqual({
      running: [{ model: 'a', state: 'ready', ttl: 300, name: 'A', description: '' }],
    });
    const upstream = await running.ask('/upstream/a/v1/completions', json({ prompt: 'Hello' }));
    expect(upstream.status).toBe(200);

    expect((await running.ask('/unload')).status).toBe(401);
    expect(states(running)['a']).toBe('ready');
    const unloaded = await running.ask('/unload', { isAdmin: true });
    expect([unloaded.status, unloaded.text]).toEqual([200, 'OK']);
    expect(states(running)['a']).toBe('off');
    await running.chat('b');
    expect((await running.ask('/api/models/unload/nobody', { method: 'POST', isAdmin: true })).status).toBe(404);
    expect((await running.ask('/api/models/unload/b', { method: 'POST', isAdmin: true })).status).toBe(200);
    expect(states(running)['b']).toBe('off');
    expect((await running.ask('/metrics')).text).toContain('corral_');
  });

  it('has groups that unload others, and one that stays', async () => {
    const of = async (name: string): Promise<Record<string, unknown>> => ({
      cmd: `"${stage.llamaServer}" --port \${PORT} -m "${await model(name, llamaSentence)}" -c 1024`,
    });
    const running = await serve({
      models: { large: await of('large'), other: await of('other'), small: await of('small'), kept: await of('kept') },
      groups: {
        large: { members: ['large', 'other'] },
        small: { swap: false, exclusive: false, members: ['small'] },
        kept: { swap: false, exclusive: false, persistent: true, members: ['kept'] },
      },
      hooks: { on_startup: { preload: ['kept'] } },
    });
    await eventually('it is loaded at start', () => states(running)['kept'] === 'ready', 15_000);
    await running.chat('large');
    await running.chat('small');
    expect(states(running)).toEqual({ large: 'ready', other: 'off', small: 'ready', kept: 'ready' });
    await running.chat('other');
    expect(states(running)).toEqual({ large: 'off', other: 'ready', small: 'off', kept: 'ready' });
  });
});
