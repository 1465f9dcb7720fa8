import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { createTestFolder, eventually, startCorral, type TestCorral } from './support/corral.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';

const words = Array.from({ length: 900 }, (_, index) => `word${index + 1}`);
const sentence = words.join(' ');

let llamaServer: string;
let corral: TestCorral | undefined;
beforeAll(async () => {
  llamaServer = await ensureRealLlamaServer();
});
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
});

async function start(server: Record<string, unknown> = {}): Promise<TestCorral> {
  const folder = await createTestFolder();
  const file = await folder.write('long.gguf', buildSentenceModel({ name: 'long', sentence }));
  const other = await folder.write('other.gguf', buildSentenceModel({ name: 'other', sentence: 'Hello there.' }));
  const models = {
    long: { file, contextSize: 4096, parallel: 1 },
    other: { file: other, contextSize: 512 },
  };
  corral = await startCorral({ server, engine: { path: llamaServer }, models, memory: { maxLoaded: 1 } }, { folder });
  return corral;
}

/** Begins a stream, reads until its first piece, and goes away. */
async function beginAndLeave({ address }: TestCorral, headers: Record<string, string>): Promise<void> {
  const gone = new AbortController();
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'long', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
    signal: gone.signal,
  });
  expect(response.status).toBe(200);
  // What comes while the model loads is no piece of it.
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; !text.includes('data: '); text += (await reader?.read())?.value ?? '');
  gone.abort();
}

function contentOf(stream: string): string {
  return stream
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)) as { choices: { delta?: { content?: string | null } }[] })
    .map(({ choices }) => choices[0]?.delta?.content ?? '')
    .join('');
}

describe('a stream with a name', () => {
  it('goes on without its client, is had once more from where one likes, and is thrown away', async () => {
    const running = await start();
    const { address, model } = running;
    await beginAndLeave(running, { 'x-conversation-id': 'talk/1' });
    // Its slot is taken as long as it goes on, so that nothing ejects the model under it.
    expect(model('long').activeRequests).toBe(1);

    const url = `${address}/v1/stream?conv_id=${encodeURIComponent('talk/1')}`;
    const whole = await (await fetch(url)).text();
    expect(contentOf(whole)).toBe(sentence);
    expect(whole).toContain('[DONE]');
    await eventually('its slot is free', () => model('long').activeRequests === 0);
    expect(await (await fetch(`${url}&from=1000`)).text()).toBe(whole.slice(1000));
    expect(await (await fetch(`${url}&model=long`)).text()).toBe(whole);

    const lookup = await running.post('/v1/streams/lookup', { model: 'long', conversation_ids: ['talk/1', 'x'] });
    expect(await lookup.json()).toEqual([expect.objectContaining({ conversation_id: 'talk/1', is_done: true })]);

    expect((await fetch(url, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
  });

  it('is stopped by whoever throws it away', async () => {
    const running = await start();
    await beginAndLeave(running, { 'x-conversation-id': 'c1' });
    const deleted = await fetch(`${running.address}/v1/stream?conv_id=c1`, { method: 'DELETE' });
    expect(deleted.status, await deleted.text()).toBe(204);
    await eventually('its slot is free', () => running.model('long').activeRequests === 0);
  });

  it('keeps its model loaded until it ends, and is gone with it', async () => {
    const running = await start();
    await beginAndLeave(running, { 'x-conversation-id': 'c1' });
    expect(await running.chat('other')).toBe('Hello there.');
    expect(running.model('long').lastExit).toMatchObject({ askedBy: 'makes room for other' });
    const response = await fetch(`${running.address}/v1/stream?conv_id=c1`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('"source":"corral"');
    expect(running.model('long').state).toBe('off');
  });

  it('is had by nobody else, and not without a name', async () => {
    const keys = ['ann', 'bob'].map((name) => ({ name, key: `key-${name}` }));
    const running = await start({ apiKeys: keys });
    const ask = (key: string, query: string): Promise<Response> =>
      fetch(`${running.address}/v1/stream${query}`, { headers: { authorization: `Bearer ${key}` } });
    await beginAndLeave(running, { 'x-conversation-id': 'c1', authorization: 'Bearer key-ann' });
    expect((await ask('key-bob', '?conv_id=c1')).status).toBe(404);
    expect((await ask('key-bob', '?conv_id=c1&model=long')).status).toBe(404);
    expect((await ask('wrong', '?conv_id=c1')).status).toBe(401);
    expect((await ask('key-ann', '')).status).toBe(400);
    expect(contentOf(await (await ask('key-ann', '?conv_id=c1')).text())).toBe(sentence);
  });

  it('that has none ends with its client', async () => {
    const running = await start();
    await beginAndLeave(running, {});
    await eventually('its slot is free', () => running.model('long').activeRequests === 0, 1000);
  });
});
