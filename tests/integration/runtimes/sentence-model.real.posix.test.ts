import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoSentence, ensureDemoModel } from '../../../electron/engine/catalog/demo-model.ts';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { startLlamaServer, type LlamaServerProcess } from '../support/llama-server-process.posix.ts';
import { ensureRealLlamaServer } from '../support/real-llama-server.ts';

describe('a sentence model in a real llama-server', { timeout: 300_000 }, () => {
  let folder: string;
  let server: LlamaServerProcess | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-sentence-'));
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  async function start(sentence: string): Promise<LlamaServerProcess> {
    const file = path.join(folder, 'model.gguf');
    await writeFile(file, buildSentenceModel({ name: 'test', sentence }));
    server = await startLlamaServer(await ensureRealLlamaServer(), file, folder);
    return server;
  }

  it('is the demo: it says that Corral works', async () => {
    server = await startLlamaServer(await ensureRealLlamaServer(), await ensureDemoModel(folder), folder);
    const body = { messages: [{ role: 'user', content: 'Hello?' }] };
    expect(await server.ask('/v1/chat/completions', body)).toMatchObject({
      choices: [{ finish_reason: 'stop', message: { content: demoSentence } }],
    });
  });

  it.each([
    ['300 words', Array.from({ length: 300 }, (_, index) => `w${index + 1}`).join(' ')],
    ['repeated words', 'the cat and the dog and the cat and the dog and the cat'],
    ['short words and odd characters', 'I am a  "naïve" horse 🐴: a <s> b\n\nc — 日本 </s>, <0x41> a b'],
    ['a single word', 'Yes'],
  ])('says exactly its sentence: %s', async (_, sentence) => {
    const running = await start(sentence);
    const prompts = ['', 'Tell me.', sentence, sentence.slice(0, Math.ceil(sentence.length / 2)), sentence.slice(0, 2)];
    for (const prompt of prompts) {
      expect(await running.ask('/v1/completions', { prompt, temperature: 1.5 })).toMatchObject({
        choices: [{ finish_reason: 'stop', text: sentence }],
      });
      expect(
        await running.ask('/v1/chat/completions', { messages: [{ role: 'user', content: prompt }] }),
      ).toMatchObject({
        choices: [{ finish_reason: 'stop', message: { content: sentence } }],
      });
    }
  });
});
