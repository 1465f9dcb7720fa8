import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import OpenAI from 'openai';
import { readEventData } from '#shared/contract/http-bridge.ts';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { demoSentence } from '../../electron/engine/catalog/demo-model.ts';
import { createTestFolder, eventually, startCorral, type TestCorral, type TestFolder } from './support/corral.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';

const redSentence = 'The red barn stands on the hill.';
const blueSentence = 'A blue river runs through town.';
const longSentence = Array.from({ length: 300 }, (_, index) => `word${index + 1}`).join(' ');

let llamaServer: string;
let folder: TestFolder;
let corral: TestCorral | undefined;

beforeAll(async () => {
  llamaServer = await ensureRealLlamaServer();
});
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(() => (corral === undefined ? folder.dispose() : corral.stop()));

async function start(more: Record<string, unknown> = {}): Promise<TestCorral> {
  const sentences = { red: redSentence, blue: blueSentence, long: longSentence };
  const models: Record<string, unknown> = {};
  for (const [name, sentence] of Object.entries(sentences)) {
    models[name] = {
      file: await folder.write(`${name}.gguf`, buildSentenceModel({ name, sentence })),
      contextSize: 2048,
    };
  }
  corral = await startCorral({ engine: { path: llamaServer }, models, ...more }, { folder });
  return corral;
}

describe('real llama-servers behind one address', () => {
  it('serves requests that come right after a stream, on whose connection the server says it will go on and does not', async () => {
    const { engine, chat } = await start();
    const ask = (more: object): Promise<Response> =>
      fetch(`${engine.address()}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'red', messages: [{ role: 'user', content: 'Hello' }], ...more }),
      });
    await chat('red');
    const statuses: number[] = [];
    for (let turn = 0; turn < 150; turn += 1) {
      const streamed = await ask({ stream: true });
      await streamed.text();
      const plain = await ask({});
      await plain.text();
      statuses.push(streamed.status, plain.status);
    }
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  it('answers with the model that was asked for, and swaps', async () => {
    const { chat, model } = await start({ memory: { maxLoaded: 1 } });
    expect(await chat('red')).toBe(redSentence);
    expect(await chat('blue')).toBe(blueSentence);
    expect(model('red').state).toBe('off');
    expect(model('red').lastExit).toMatchObject({ exitCode: 0, askedBy: 'makes room for blue' });
    expect(await chat('red')).toBe(redSentence);
  });

  it('X7 listens on a socket of its own with a key, and nowhere else', async () => {
    const { chat, model, bridge } = await start();
    await chat('red');
    const { address, commandLine } = model('red');
    if (process.platform !== 'win32') expect(address).toMatch(/\.sock$/);
    expect(commandLine?.join(' ')).not.toMatch(/api-key/);
    const { lines } = await bridge.call('read-logs', { source: 'red', limit: 10_000 });
    expect(lines.some((line) => line.text.includes('listening on'))).toBe(true);
    await eventually('its slots and context are known', () => model('red').contextSize !== null);
    expect(model('red').contextSize).toBe(2048);
  });

  it('streams 300 tokens through the official client', async () => {
    const { address } = await start();
    const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'any' });
    const stream = await client.chat.completions.create({
      model: 'long',
      messages: [{ role: 'user', content: 'Go on' }],
      stream: true,
    });
    let text = '';
    let chunks = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      chunks += 1;
    }
    expect(text).toBe(longSentence);
    expect(chunks).toBeGreaterThanOrEqual(299);
  });

  it('serves the native routes too', async () => {
    const { address, post, chat } = await start();
    await chat('red');
    const tokens = (await (await post('/tokenize', { model: 'red', content: 'The red barn' })).json()) as {
      tokens: number[];
    };
    expect(tokens.tokens.length).toBeGreaterThan(0);
    const completion = (await (await post('/completion', { model: 'red', prompt: '', n_predict: 64 })).json()) as {
      content: string;
    };
    expect(completion.content.length).toBeGreaterThan(0);
    const props = (await (await fetch(`${address}/props?model=red`)).json()) as { total_slots: number };
    expect(props.total_slots).toBeGreaterThan(0);
    const unloaded = await fetch(`${address}/props?model=blue`);
    expect(unloaded.status).toBe(503);
    expect(corral?.model('blue').state).toBe('off');
  });

  it('P2 frees the slot upstream when the client goes away in the middle of a stream', async () => {
    const { address, post, model } = await start();
    const gone = new AbortController();
    const response = await post(
      '/v1/chat/completions',
      { model: 'long', stream: true, messages: [] },
      { signal: gone.signal },
    );
    const events = readEventData(response.body as ReadableStream<Uint8Array>);
    await events.next();
    gone.abort();
    await eventually('Corral lets go', () => model('long').activeRequests === 0, 250);
    await eventually('llama-server lets go', async () => {
      const slots = (await (await fetch(`${address}/slots?model=long`)).json()) as { is_processing: boolean }[];
      return slots.every((slot) => !slot.is_processing);
    });
  });

  it('does not listen to a client without the key of the child', async () => {
    const { chat, model } = await start();
    await chat('red');
    const { address } = model('red');
    if (address?.startsWith('/') !== true) return; // Windows: no sockets, the key is checked below all the same.
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ socketPath: address, path: '/v1/completions', method: 'POST' }, (response) => {
        resolve(response.statusCode);
        Readable.from(response).resume();
      })
        .on('error', reject)
        .end('{}');
    });
    expect(status).toBe(401);
  });
});

describe('without any model configured', () => {
  it('lists the demo model, marked as one, which says that Corral works', async () => {
    corral = await startCorral({ engine: { path: llamaServer } }, { folder });
    const list = (await (await fetch(`${corral.address}/v1/models`)).json()) as {
      data: { id: string; corral: { demo?: boolean } }[];
    };
    expect(list.data).toMatchObject([{ id: 'corral-demo', corral: { demo: true } }]);
    expect(await corral.chat('corral-demo')).toBe(demoSentence);
  });

  it('finds llama-server on the PATH', async () => {
    corral = await startCorral(
      {},
      { folder, env: { PATH: `${path.dirname(llamaServer)}${path.delimiter}${process.env['PATH'] ?? ''}` } },
    );
    expect(await corral.chat('corral-demo')).toBe(demoSentence);
    expect(corral.engine.snapshot().engine).toMatchObject({ status: 'ready', build: { origin: 'path' } });
  });
});
