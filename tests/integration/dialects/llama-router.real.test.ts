import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { FIRST_TEST_PORT, startForeign, type ForeignCorral } from '../support/foreign.ts';
import { useRealLlamaServer } from '../support/use-real-llama-server.ts';

/** The README's own configuration and each of its curl examples, with its model replaced by one that is there. */

const NAME = 'Qwen3-8B-Q4_K_M.gguf';
const SENTENCE = 'The router found the right barn.';

const stage = useRealLlamaServer();

async function start(): Promise<ForeignCorral> {
  const fixture = new URL('../../fixtures/seeds/examples/llama-router.json', import.meta.url);
  const document = JSON.parse(await readFile(fixture, 'utf8')) as {
    router: Record<string, unknown>;
    models: { path: string }[];
  };
  document.router['base_port'] = FIRST_TEST_PORT;
  const model = await stage.folder.write('model.gguf', buildSentenceModel({ name: 'model', sentence: SENTENCE }));
  document.models[0] = { ...document.models[0], path: model };
  const corral = await startForeign(stage.folder, document, {
    env: {
      HOME: stage.folder.path,
      PATH: `${path.dirname(stage.llamaServer)}:${process.env['PATH'] ?? ''}`,
    },
  });
  stage.endAfterwards(corral.stop);
  return corral;
}

describe("llama-router's README on a real llama-server", () => {
  it('R1.4 answers a basic chat completion', async () => {
    const { chat, engine } = await start();
    expect(await chat(NAME)).toBe(SENTENCE);
    expect(engine.model(NAME).commandLine?.join(' ')).toMatch(
      /--ctx-size 4096 --n-gpu-layers 99 --model \S+ --port \d+ --host 127\.0\.0\.1$/,
    );
  });

  it('R1.4 answers with a stream', async () => {
    const { address } = await start();
    const response = await fetch(`${address}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: NAME,
        messages: [{ role: 'user', content: 'Write a haiku about AI' }],
        stream: true,
      }),
    });
    const events = (await response.text()).split('\n\n').filter((each) => each.startsWith('data: {'));
    const words = events.map((each) => {
      const chunk = JSON.parse(each.slice(6)) as { choices: { delta?: { content?: string | null } }[] };
      return chunk.choices[0]?.delta?.content ?? '';
    });
    expect(words.join('')).toBe(SENTENCE);
  });

  it('R1.8 lists the models', async () => {
    const { ask } = await start();
    const { body } = await ask('/v1/models');
    expect((body as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual([NAME]);
  });

  it('R1.10 tells of the health, properties and slots of the model, and of the last one started', async () => {
    const { ask } = await start();
    for (const route of [`/${NAME}/health`, '/health']) {
      expect(await ask(route), route).toMatchObject({ status: 200, body: { status: 'ok' } });
    }
    expect((await ask(`/${NAME}/props`)).body).toHaveProperty('default_generation_settings');
    expect((await ask('/props')).body).toHaveProperty('default_generation_settings');
    expect(Array.isArray((await ask(`/${NAME}/slots`)).body)).toBe(true);
    expect(Array.isArray((await ask('/slots')).body)).toBe(true);
  });

  it('R1.11 looks into the caches again', async () => {
    const { ask } = await start();
    expect(await ask('/admin/rescan', { isAdmin: true })).toMatchObject({ body: { status: 'rescanned' } });
    expect(await ask('/admin/reload', { isAdmin: true, method: 'POST' })).toMatchObject({
      body: { status: 'reloaded' },
    });
  });
});
