import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Ollama } from 'ollama';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { startHuggingFaceOrigin, type HuggingFaceOrigin } from '../fakes/hugging-face-origin.ts';
import { createTestFolder, eventually, startCorral, type TestCorral } from '../integration/support/corral.ts';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';
import { plainSentence } from './support/client-models.ts';

let hub: HuggingFaceOrigin;
let corral: TestCorral;

beforeEach(async () => {
  const weights = buildSentenceModel({ name: 'tiny', sentence: plainSentence });
  hub = await startHuggingFaceOrigin({ 'user/repo': { files: { 'Tiny-Q4_K_M.gguf': weights } } });
  const folder = await createTestFolder();
  corral = await startCorral(
    { engine: { path: await ensureRealLlamaServer() }, catalog: { huggingFace: { origin: hub.url } } },
    { folder },
  );
});
afterEach(async () => {
  await corral.stop();
  await hub.close();
});

it('the ollama package pulls a model from Hugging Face with the admin token, chats with it, and deletes it', async () => {
  const ollama = new Ollama({
    host: corral.address,
    headers: { authorization: `Bearer ${corral.engine.instanceToken}` },
  });
  const model = 'hf.co/user/repo:Q4_K_M';
  const told = [];
  for await (const part of await ollama.pull({ model, stream: true })) told.push(part);
  expect(told[0]?.status).toBe('pulling manifest');
  expect(told.at(-1)?.status).toBe('success');
  await eventually('it is listed', () => corral.engine.snapshot().models.some(({ id }) => id === 'tiny-q4_k_m'));

  const anybody = new Ollama({ host: corral.address });
  expect((await anybody.list()).models.map(({ name }) => name)).toEqual(['tiny-q4_k_m:latest']);
  const answer = await anybody.chat({ model, messages: [{ role: 'user', content: 'Hello' }] });
  expect(answer).toMatchObject({ model, message: { content: plainSentence } });

  await expect(ollama.pull({ model: 'hf.co/user/nothing' })).rejects.toThrow(/nothing/);
  await expect(ollama.pull({ model: 'llama3.2' })).rejects.toMatchObject({ status_code: 501 });
  await expect(anybody.pull({ model })).rejects.toMatchObject({ status_code: 401 });

  const cache = path.join(corral.folder.path, 'huggingface/hub');
  expect(await readdir(cache)).toEqual(['models--user--repo']);
  await expect(anybody.delete({ model })).rejects.toMatchObject({ status_code: 401 });
  expect(corral.model('tiny-q4_k_m').state).toBe('ready');
  expect(await ollama.delete({ model })).toEqual({ status: 'success' });
  expect(await readdir(cache)).toEqual([]);
  expect((await anybody.list()).models.map(({ name }) => name)).toEqual(['corral-demo:latest']);
  expect((await anybody.ps()).models).toEqual([]);
  await expect(ollama.delete({ model })).rejects.toMatchObject({
    status_code: 404,
    error: `model '${model}' not found`,
  });
  // The demo is nobody's download.
  await expect(ollama.delete({ model: 'corral-demo' })).rejects.toMatchObject({ status_code: 409 });
});
