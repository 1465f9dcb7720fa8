import { Ollama } from 'ollama';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestFolder, type TestFolder } from '../integration/support/corral.ts';
import { startCorralProcess, type CorralProcess } from '../integration/support/corral-process.ts';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';
import { writeClientConfig } from './support/client-models.ts';

/** As a process, since model files are read by the built worker. */

let folder: TestFolder;
let corral: CorralProcess;
let ollama: Ollama;

beforeEach(async () => {
  folder = await createTestFolder();
  corral = await startCorralProcess(folder, await writeClientConfig(folder, await ensureRealLlamaServer()));
  ollama = new Ollama({ host: corral.address });
});
afterEach(async () => {
  await corral.end('SIGTERM');
  await folder.dispose();
});

it('the ollama package lists models with their sizes, and shows what stands in a file', async () => {
  const { models } = await ollama.list();
  expect(models.map(({ name }) => name).sort()).toEqual([
    'embedder:latest',
    'long:latest',
    'object:latest',
    'plain:latest',
    'thinking:latest',
    'tools:latest',
  ]);
  for (const model of models) {
    expect(model.size).toBeGreaterThan(1000);
    expect(model.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(model.details).toMatchObject({ format: 'gguf', families: ['llama'], quantization_level: 'F32' });
    expect(new Date(model.modified_at).getTime()).toBeGreaterThan(Date.now() - 600_000);
  }

  const shown = await ollama.show({ model: 'tools' });
  expect(shown.capabilities).toEqual(['completion', 'tools']);
  expect(shown.template).toContain('<tool_call>');
  expect(shown.parameters).toContain('num_ctx');
  expect(shown.modelfile).toContain('FROM tools.gguf');
  expect(shown.model_info).toMatchObject({
    'general.architecture': 'llama',
    'llama.block_count': 1,
    'general.parameter_count': expect.any(Number) as number,
    'tokenizer.ggml.tokens': null,
  });
  expect(JSON.stringify(shown)).not.toContain(folder.path);
  expect((await ollama.show({ model: 'thinking:latest' })).capabilities).toEqual(['completion', 'thinking']);
  expect((await ollama.show({ model: 'embedder' })).capabilities).toEqual(['embedding']);
});

it('the ollama package sees what is loaded', async () => {
  expect((await ollama.ps()).models).toEqual([]);
  await ollama.generate({ model: 'plain', prompt: 'Hello' });
  const { models } = await ollama.ps();
  expect(models).toMatchObject([{ name: 'plain:latest', details: { family: 'llama', parameter_size: '28K' } }]);
  expect(models[0]?.size).toBeGreaterThan(1000);
});
