import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { writeModelShape } from '../support/model-shapes.ts';
import { startForeign, type ForeignCorral } from '../support/foreign.ts';
import { useRealLlamaServer } from '../support/use-real-llama-server.ts';

/** The README's own configuration and its examples, with its paths replaced by what is there. */

const NAME = 'qwen3-4b-chat';
const SENTENCE = 'I am well in the barn.';

const stage = useRealLlamaServer();

async function start(params: Record<string, unknown> = {}, modelFile?: string): Promise<ForeignCorral> {
  const fixture = new URL('../../fixtures/seeds/examples/routermodel.json', import.meta.url);
  const document = JSON.parse(await readFile(fixture, 'utf8')) as {
    system: Record<string, unknown>;
    models: Record<string, { model_path: string; params: Record<string, unknown> }>;
  };
  document.system['llama_server_path'] = stage.llamaServer;
  const model = document.models[NAME];
  if (model === undefined) throw new Error('the fixture has another model');
  model.model_path =
    modelFile ?? (await stage.folder.write('model.gguf', buildSentenceModel({ name: 'model', sentence: SENTENCE })));
  Object.assign(model.params, params);
  const corral = await startForeign(stage.folder, document);
  stage.endAfterwards(corral.stop);
  return corral;
}

describe("RouterModelCustom's README on a real llama-server", () => {
  it('R3.1 R3.16 answers the chat completion', async () => {
    const { chat, engine } = await start();
    expect(await chat(NAME)).toBe(SENTENCE);
    expect(engine.model(NAME)).toMatchObject({ contextSize: expect.any(Number) as unknown, state: 'ready' });
  });

  it('R3.16 makes embeddings with a model that is for them', async () => {
    const file = path.join(stage.folder.path, 'embedder.gguf');
    await writeModelShape(file, {
      architecture: 'llama',
      layers: 1,
      embedding: 32,
      heads: 1,
      kvHeads: 1,
      headSize: 32,
      feedForward: 32,
      vocabulary: 300,
      contextLength: 4096,
      weightType: 'f32',
      extra: { pooling_type: { type: 'uint32', value: 1 } },
    });
    const { ask } = await start({ embedding: true }, file);
    const { status, body, text } = await ask('/v1/embeddings', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: NAME, input: 'well' }),
    });
    expect(status, text).toBe(200);
    expect((body as { data: { embedding: number[] }[] }).data[0]?.embedding.length).toBeGreaterThan(0);
  });

  it('R3.4 R3.5 R3.6 R3.7 R3.8 R3.9 R3.10 R3.11 R3.12 answers every endpoint of the README', async () => {
    const { ask, chat } = await start();
    await chat(NAME);
    const routes = [
      '/v1/models',
      '/health',
      '/metrics',
      '/vram',
      '/v1/health/models',
      '/v1/queue/stats',
      '/v1/telemetry/summary',
      `/v1/models/${NAME}/status`,
      '/v1/models/failed',
      '/v1/models/status',
      `/v1/models/status/${NAME}`,
      '/v1/models/status/file',
    ];
    for (const route of routes) expect((await ask(route)).status, route).toBe(200);
    expect((await ask('/v1/telemetry/summary')).body).toMatchObject({
      tokens_generated: expect.any(Number) as unknown,
    });
    const admin = { method: 'POST', isAdmin: true, headers: { 'content-type': 'application/json' } };
    expect((await ask('/v1/models/eject', { ...admin, body: JSON.stringify({ model: NAME }) })).body).toMatchObject({
      status: 'success',
    });
    expect((await ask(`/v1/models/${NAME}/reset`, admin)).body).toMatchObject({ status: 'success' });
  });

  it('R3.16 translates the flags of older builds', async () => {
    const { chat, engine } = await start({ type_k: 'f16', type_v: 'q8_0', rope_freq_base: 10000 });
    await chat(NAME);
    const line = engine.model(NAME).commandLine?.join(' ') ?? '';
    expect(line).toContain('--cache-type-v q8_0');
    expect(line).toContain('--rope-freq-base 10000');
    expect(line).not.toContain('--mlock ');
  });
});
