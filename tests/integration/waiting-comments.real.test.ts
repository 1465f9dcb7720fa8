import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { createTestFolder, startCorral, type TestCorral, type TestFolder } from './support/corral.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';

const sentence = 'The red barn stands on the hill.';

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

/** Comments from the first moment on, so that every cold request has them. */
async function start(): Promise<TestCorral> {
  const file = await folder.write('red.gguf', buildSentenceModel({ name: 'red', sentence }));
  corral = await startCorral(
    {
      engine: { path: llamaServer },
      scheduler: { waitingComments: { after: '0', interval: '20ms' } },
      models: { red: { file, contextSize: 256 } },
    },
    { folder },
  );
  return corral;
}

const messages = [{ role: 'user', content: 'Go on' }];

describe('a stream that waits for a real llama-server to load', () => {
  it.each([
    ['/v1/chat/completions', { messages }, /"content":"([^"]*)"/g],
    ['/v1/completions', { prompt: 'Go' }, /"text":"([^"]*)"/g],
    ['/v1/messages', { messages, max_tokens: 64 }, /"text":"([^"]*)"/g],
    ['/v1/responses', { input: 'Go on' }, /"delta":"([^"]*)"/g],
    ['/completion', { prompt: 'Go' }, /"content":"([^"]*)"/g],
  ])('gets comments, then the whole answer of %s', async (route, body, word) => {
    const { post } = await start();
    const response = await post(route, { model: 'red', stream: true, ...body });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toMatch(/^: (?:starting|loading)/);
    expect([...text.matchAll(word)].map(([, part]) => part).join('')).toContain(sentence.trim());
    expect(text).not.toContain('"error"');
  });

  it.each([
    ['/v1/chat/completions', 'openai'],
    ['/v1/messages', 'anthropic'],
  ])('gets what %s refuses as an event with its words and its status', async (route, family) => {
    const { post } = await start();
    const tooLong = [{ role: 'user', content: 'word '.repeat(2000) }];
    const ask = (): Promise<Response> => post(route, { model: 'red', stream: true, max_tokens: 8, messages: tooLong });
    const text = await (await ask()).text();
    // Ready by now, so that the second one is answered as it ever was.
    const plain = await ask();
    expect(plain.status).toBe(400);
    const { error } = (await plain.json()) as { error: { message: string; type: string } };
    expect(error.message).not.toBe('');
    const [, data = ''] = /^data: (.*)$/m.exec(text) ?? [];
    const event = JSON.parse(data) as { type?: string; error: Record<string, unknown> };
    expect(event.error).toMatchObject({ message: error.message, status: 400 });
    expect(event.error['source']).toBeUndefined();
    expect(event.type).toBe(family === 'anthropic' ? 'error' : undefined);
  });
});
