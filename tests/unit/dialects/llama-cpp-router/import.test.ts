import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { interpretConfig } from '../../../../electron/engine/config/interpret-config.ts';
import { llamaCppRouterFormat } from '../../../../electron/engine/dialects/llama-cpp-router/import.ts';
import { read, readValid, surroundings } from '../support.ts';

const example = await readFile(
  new URL('../../../fixtures/seeds/examples/llama_cpp_router.json', import.meta.url),
  'utf8',
);

const model = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  modelFilePath: 'm.gguf',
  network: { port: 9001 },
  ...more,
});

const valid = (more: Record<string, unknown> = {}) =>
  readValid(llamaCppRouterFormat, { owner: 'o', models: {}, ...more });

async function nativeModel(more: Record<string, unknown>): Promise<unknown> {
  const { native } = await valid({ models: { m: model(more) } });
  return (native['models'] as Record<string, unknown>)['m'];
}

describe('the configuration of llama_cpp_router', () => {
  it('becomes the same in Corral', async () => {
    const { native } = await readValid(llamaCppRouterFormat, JSON.parse(example));
    expect(native).toEqual({
      engine: { path: '/opt/llama.cpp/llama-server' },
      defaults: { ttl: '1800s' },
      memory: { maxLoaded: 2 },
      models: {
        'granite-4.0-nano': {
          file: '/models/granite-4.0-nano-Q8_0.gguf',
          contextSize: 8192,
          gpuLayers: 99,
          kvCacheType: 'q8_0',
          args: [
            ...['--flash-attn', 'on', '--threads', '-1', '--no-mmap', '--jinja'],
            ...['--temp', '0.8', '--top-k', '40', '--top-p', '0.9', '--min-p', '0.1'],
            ...['--repeat-penalty', '1', '--mirostat', '2'],
          ],
        },
        'jina-embeddings-v4-text-retrieval': expect.objectContaining({
          mmproj: '/models/mmproj-F16.gguf',
          pinned: true,
          embeddings: true,
          pooling: 'mean',
          contextSize: 4096,
        }) as unknown,
      },
      listeners: [{ dialect: 'llama_cpp_router', host: '0.0.0.0', port: 8080, options: { owner: 'llama.cpp' } }],
    });
  });

  it('has the defaults of its source', async () => {
    const { native, document } = await valid({ models: { m: model() } });
    expect(native).toMatchObject({
      engine: { path: 'auto' },
      defaults: { ttl: '1800s' },
      memory: { maxLoaded: 2 },
      listeners: [{ host: '0.0.0.0', port: 8080 }],
    });
    expect(document).toMatchObject({
      unloadDuration: 30,
      models: {
        m: {
          unloadable: true,
          embeddings: false,
          common: { cacheType: 'q8_0', contextSize: 4096, threads: -1, nGpuLayers: 99, noMmap: true },
          sampling: { temperature: 0.8, topK: 40, topP: 0.9, minP: 0.1, repeatPenalty: 1, mirostat: 2 },
          network: { host: '127.0.0.1', port: 9001 },
        },
      },
    });
  });

  it.each([
    [{ common: { contextSize: 2048 } }, { contextSize: 2048 }],
    [{ common: { contextSize: '16k' } }, { contextSize: 16_384 }],
    [{ common: { nGpuLayers: -1 } }, { gpuLayers: 'all' }],
    [{ unloadable: false }, { pinned: true }],
    [{ modelFilePath: 'a${b}.gguf' }, { file: 'a$${b}.gguf' }],
  ])('reads %j', async (written, native) => {
    expect(await nativeModel(written)).toMatchObject(native);
  });

  it.each([
    [{ common: { noMmap: false } }, '--no-mmap'],
    [{ common: { jinja: false } }, '--jinja'],
  ])('leaves out what %j switches off', async (written, flag) => {
    expect(((await nativeModel(written)) as { args: string[] }).args).not.toContain(flag);
  });

  it('counts no models where the limit is switched off, and unloads at once where it was to', async () => {
    const { native } = await valid({ concurrentModels: 0, unloadDuration: 0 });
    expect(native).toMatchObject({ memory: {}, defaults: { ttl: '1s' } });
    expect(native['memory']).toEqual({});
  });

  it.each([
    [{ models: {} }, /^owner: /m],
    [{ owner: 'o', models: { a: {} } }, /^models\.a\.modelFilePath: .*\nmodels\.a\.network: /m],
    [
      { owner: 'o', models: { a: model(), b: model() } },
      /^models\.b\.network: Duplicate host:port 127\.0\.0\.1:9001, already used by model "a"$/m,
    ],
    [{ owner: 'o', models: { a: model({ common: { cacheType: 'q3' } }) } }, /^models\.a\.common\.cacheType: /m],
    [{ owner: 'o', models: { a: model({ sampling: { mirostat: 3 } }) } }, /^models\.a\.sampling\.mirostat: /m],
    [{ owner: 'o', models: { a: model({ common: { contextSize: 'big' } }) } }, /^models\.a\.common\.contextSize: /m],
    [{ owner: 'o', models: {}, server: { port: 70_000 } }, /^server\.port: /m],
  ])('says in its own words what is wrong with %j', async (document, line) => {
    const result = await read(llamaCppRouterFormat, document);
    const said = result.ok ? '' : (result.say ?? '');
    expect(said).toMatch(/^Config validation error in "\/etc\/router\/config\.json":\n/);
    expect(said).toMatch(line);
  });

  it('tells of a file that is no JSON where it breaks off', async () => {
    const text = '{"owner": "o",\n "models": {';
    const result = await interpretConfig({
      ...surroundings,
      text,
      filePath: '/c.json',
      format: 'llama_cpp_router',
    });
    expect(result.ok ? '' : result.say).toMatch(/^Config validation error in "\/c\.json":\nline \d+: /);
  });

  it('keeps other machines out, says how to let them in, and lets them in where the file has a key', async () => {
    const open = (server: Record<string, unknown>) =>
      interpretConfig({
        ...surroundings,
        text: JSON.stringify({ owner: 'o', models: { m: model() }, server }),
        filePath: '/c.json',
      });
    const closed = await open({});
    expect(closed).toMatchObject({ ok: true, config: { listeners: [{ host: '127.0.0.1', port: 8080 }] } });
    const named = await open({ hostname: '0.0.0.0' });
    expect(named.ok && named.warnings).toContainEqual({
      path: 'server.hostname',
      message: expect.stringMatching(/127\.0\.0\.1 instead of 0\.0\.0\.0.*corral config import/) as string,
    });
    const keyed = await open({ apiKeys: [{ name: 'lan', key: 'secret' }] });
    expect(keyed).toMatchObject({ ok: true, config: { listeners: [{ host: '0.0.0.0' }] } });
  });

  it('names the place in its own file where Corral finds more wrong', async () => {
    const result = await interpretConfig({
      ...surroundings,
      text: JSON.stringify({ owner: 'o', models: { corral: model() } }),
      filePath: '/c.json',
    });
    expect(result.ok ? [] : result.errors).toMatchObject([{ path: 'models.corral.modelFilePath' }]);
  });
});
