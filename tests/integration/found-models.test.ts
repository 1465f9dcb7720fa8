import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256, startHuggingFaceOrigin, type HuggingFaceOrigin } from '../fakes/hugging-face-origin.ts';
import { createTestFolder, eventually, startCorral, type TestCorral, type TestFolder } from './support/corral.ts';

/** Models that nobody listed, from the scan and from a download to the answer of `/v1/models`. */

const weights = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(5000, 3)]);

let folder: TestFolder;
let corral: TestCorral | undefined;
let hub: HuggingFaceOrigin | undefined;

beforeEach(async () => {
  folder = await createTestFolder();
});

afterEach(async () => {
  if (corral === undefined) await folder.dispose();
  else await corral.stop();
  await hub?.close();
  [corral, hub] = [undefined, undefined];
});

async function put(...names: string[]): Promise<void> {
  for (const name of names) {
    const file = path.join(folder.path, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, weights);
  }
}

function listed(): string[] {
  return (corral?.engine.snapshot().models ?? []).map(({ id, origin }) => `${id} (${origin})`).sort();
}

it('models in folders are listed, in place of the demo, and come and go with their files', async () => {
  await put(
    'models/Qwen3-8B-Q4_K_M.gguf',
    'models/vision/Gemma-Q8_0.gguf',
    'models/vision/mmproj-F16.gguf',
    'models/vision/mmproj-BF16.gguf',
    'models/big/L-Q4_K_M-00001-of-00002.gguf',
    'models/big/L-Q4_K_M-00002-of-00002.gguf',
    'models/broken/M-00001-of-00002.gguf',
    'models/named.gguf',
  );
  corral = await startCorral(
    {
      catalog: { folders: [path.join(folder.path, 'models')] },
      defaults: { contextSize: 4096 },
      models: { mine: { file: path.join(folder.path, 'models/named.gguf'), aliases: ['gemma-q8_0'] } },
      engine: { autoInstall: false },
    },
    { folder },
  );
  const before = ['gemma-q8_0-', 'l-q4_k_m (folder)', 'mine (config)', 'qwen3-8b-q4_k_m (folder)'];
  await eventually('they are found', () => listed().length === 4);
  expect(listed().map((each) => each.replace(/-[0-9a-f]{6} \(folder\)/, '-'))).toEqual(before);
  const { models } = await corral.bridge.call('read-catalog', {});
  expect(models.find(({ id }) => id.startsWith('gemma'))).toMatchObject({
    origin: 'folder',
    mmproj: path.join(folder.path, 'models/vision/mmproj-BF16.gguf'),
  });
  const answer = (await (await fetch(`${corral.address}/v1/models`)).json()) as { data: { id: string }[] };
  expect(answer.data.map(({ id }) => id)).toContain('qwen3-8b-q4_k_m');

  await rename(path.join(folder.path, 'models/big'), path.join(folder.path, 'elsewhere'));
  await put('models/new/Qwen3-8B-Q4_K_M.gguf');
  expect(await corral.bridge.call('rescan-catalog', {})).toEqual({ found: 4 });
  expect(listed().filter((each) => !each.startsWith('gemma'))).toEqual([
    'mine (config)',
    'qwen3-8b-q4_k_m (folder)',
    expect.stringMatching(/^qwen3-8b-q4_k_m-[0-9a-f]{6} \(folder\)$/),
  ]);
  // Nobody has to ask for it.
  await rm(path.join(folder.path, 'models/new'), { recursive: true });
  await eventually('it is noticed', () => listed().length === 3, 12_000);
});

it('without any model there is the demo, until one was downloaded', async () => {
  hub = await startHuggingFaceOrigin({ 'user/repo': { files: { 'Tiny-Q4_K_M.gguf': weights } } });
  corral = await startCorral(
    { catalog: { huggingFace: { origin: hub.url } }, engine: { autoInstall: false } },
    { folder },
  );
  expect(listed()).toEqual(['corral-demo (demo)']);

  const events: string[] = [];
  const unsubscribe = corral.engine.subscribe(({ event }) => events.push(event.type));
  const { download } = await corral.bridge.call('pull-model', { source: 'user/repo:Q4_K_M' });
  expect(download).toMatchObject({ source: 'user/repo:Q4_K_M', repo: 'user/repo' });
  await eventually('it is listed', () => listed().join() === 'tiny-q4_k_m (hugging-face)');
  expect(events).toContain('downloads-changed');
  unsubscribe();
  expect(corral.model('tiny-q4_k_m').aliases).toEqual(['user/repo:Q4_K_M']);
  const { downloads } = await corral.bridge.call('list-downloads', {});
  expect(downloads).toMatchObject([{ state: 'finished', receivedBytes: weights.length }]);
  expect(downloads[0]?.files).toMatchObject([{ digest: sha256(weights) }]);

  // A file that is gone is no model any more.
  await rm(path.join(folder.path, 'huggingface'), { recursive: true });
  await corral.bridge.call('rescan-catalog', {});
  await eventually('the demo is back', () => listed().join() === 'corral-demo (demo)');
});

it('models of Ollama and LM Studio are read in place', async () => {
  const digest = sha256(weights);
  await put(`ollama/blobs/sha256-${digest}`, '.lmstudio/models/pub/repo/Lm-Q4_K_M.gguf');
  const manifest = path.join(folder.path, 'ollama/manifests/registry.ollama.ai/library/llama3.2/latest');
  await mkdir(path.dirname(manifest), { recursive: true });
  await writeFile(
    manifest,
    JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${digest}` }] }),
  );
  await writeFile(path.join(path.dirname(manifest), 'broken'), '{"layers":[{"digest":"sha256:../../../etc/passwd"');
  corral = await startCorral(
    { catalog: { ollama: true, lmStudio: true }, engine: { autoInstall: false } },
    { folder, env: { HOME: folder.path, OLLAMA_MODELS: path.join(folder.path, 'ollama') } },
  );
  await eventually('they are found', () => listed().length === 2);
  expect(listed()).toEqual(['llama3.2-latest (ollama)', 'lm-q4_k_m (lm-studio)']);
  expect(corral.engine.resolveModel('llama3.2')).toBe('llama3.2-latest');
});
