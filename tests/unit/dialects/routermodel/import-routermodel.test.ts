import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../../../electron/engine/config/load-config.ts';
import type { FileModelConfig, ResolvedConfig } from '../../../../electron/engine/config/resolved-config.ts';
import type { ForeignResult } from '../../../../electron/engine/dialects/foreign-format.ts';
import { cacheTypes } from '../../../../electron/engine/dialects/routermodel/app-config.ts';
import {
  checkAppFiles,
  importAppConfig,
  pathsOf,
  type AppSurroundings,
} from '../../../../electron/engine/dialects/routermodel/import-routermodel.ts';

const plain: AppSurroundings = {
  env: {},
  hasNvidia: true,
  paths: new Map([
    ['/app/llama-server', 'executable'],
    ['/app/models/Qwen3-4B-Instruct.gguf', 'file'],
    ['/m/a.gguf', 'file'],
    ['/x/not-executable', 'file'],
  ]),
};

function readme(): Record<string, unknown> {
  const file = new URL('../../../fixtures/seeds/examples/routermodel.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

function importOf(document: unknown, surroundings = plain): ForeignResult & { ok: true } {
  const result = importAppConfig(document, surroundings);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result;
}

/** What the engine makes of it, so that every key that an import writes is one that the schema knows. */
function resolved(document: unknown, surroundings = plain): ResolvedConfig {
  const { native } = importOf(document, surroundings);
  // Whoever serves the file takes it to this machine.
  const listeners = (native['listeners'] as object[]).map((each) => ({ ...each, host: '127.0.0.1' }));
  const text = stringify({ ...native, listeners });
  const result = parseConfig({ text, filePath: '/c/x.yaml', env: {}, homeFolder: '/home/user', platform: 'linux' });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

function errorsOf(document: unknown, surroundings = plain): string[] {
  const result = importAppConfig(document, surroundings);
  const errors = result.ok ? checkAppFiles(document, surroundings) : result.errors;
  return errors.map(({ path, message }) => `${path}: ${message}`);
}

function withParams(params: Record<string, unknown>): unknown {
  return { models: { a: { model_path: '/m/a.gguf', params } } };
}

function modelWith(params: Record<string, unknown>, system: Record<string, unknown> = {}): FileModelConfig {
  return resolved({ ...(withParams(params) as object), system }).models.get('a') as FileModelConfig;
}

describe('the configuration of the README', () => {
  it('becomes a model with its file, on the llama-server it names', () => {
    const config = resolved(readme());
    expect(config.engine.path).toBe('/app/llama-server');
    expect(config.models.get('qwen3-4b-chat')).toMatchObject({
      kind: 'file',
      file: '/app/models/Qwen3-4B-Instruct.gguf',
      contextSize: 4096,
      gpuLayers: 99,
      parallel: 4,
      kvCacheType: 'f16',
      ttlMs: 300_000,
      devices: ['CUDA0'],
      args: ['--mlock', '--context-shift', '--threads', '8', '--flash-attn', 'on', '--batch-size', '8'],
    });
    expect(config.memory).toMatchObject({ policy: 'reject', maxLoaded: 2 });
  });

  it('listens where the file says', () => {
    expect(importOf(readme()).native['listeners']).toMatchObject([
      { dialect: 'routermodel', host: '0.0.0.0', port: 8000 },
    ]);
  });

  it('asks for the paths that must exist', () => {
    expect(pathsOf(readme(), {})).toEqual(['/app/llama-server', '/app/models/Qwen3-4B-Instruct.gguf']);
    expect(pathsOf({}, { LLAMA_SERVER_PATH: '/e' })).toEqual(['/e']);
  });

  it('tells what became of every key, and of no other', () => {
    expect(importOf(readme()).report.map(({ path }) => path)).toEqual([
      'system.llama_server_path',
      'system.gpu_devices',
      'api.host',
      'api.port',
      'system.max_concurrent_models',
      'system.idle_timeout_sec',
      'system.flash_attention',
      'models.qwen3-4b-chat.model_path',
      'models.qwen3-4b-chat.params',
    ]);
  });
});

describe('defaults of the tables', () => {
  it('hold for what is not written', () => {
    const config = resolved({ models: { a: { model_path: '/m/a.gguf' } } });
    expect(config.memory.maxLoaded).toBe(3);
    expect(config.engine.path).toBe('auto');
    expect(config.server.allowedOrigins).toEqual(['http://localhost:3000']);
    expect(config.server.maxBodyBytes).toBe(10 * 2 ** 20);
    expect(config.server.timeouts).toMatchObject({ responseMs: 300_000, idleMs: 300_000 });
    expect(config.models.get('a')).toMatchObject({
      contextSize: 4096,
      gpuLayers: 99,
      parallel: 4,
      embeddings: false,
      ttlMs: 300_000,
      queue: { max: 100, maxWaitMs: 300_000 },
      startup: false,
    });
    expect(importOf({ models: {} }).native['listeners']).toMatchObject([{ port: 8000 }]);
  });

  it('take the program from the environment', () => {
    const env = { LLAMA_SERVER_PATH: '/app/llama-server' };
    expect(resolved({ models: {} }, { ...plain, env }).engine.path).toBe('/app/llama-server');
    expect(errorsOf({}, { ...plain, env: { LLAMA_SERVER_PATH: '/none' } })).toEqual([
      'LLAMA_SERVER_PATH: must be a file that exists',
    ]);
  });
});

describe('parameters of a model', () => {
  it.each([
    [{ n_gpu_layers: -1 }, { gpuLayers: 'all' }],
    [{ n_gpu_layers: 0 }, { gpuLayers: 0 }],
    [{ n_ctx: 131_072 }, { contextSize: 131_072 }],
    [{ embedding: true }, { embeddings: true }],
    [{ type_k: 'q8_0', type_v: 'q8_0' }, { kvCacheType: 'q8_0' }],
    [{ parallel_override: 2 }, { parallel: 2 }],
  ])('%j', (params, expected) => {
    expect(modelWith(params)).toMatchObject(expected);
  });

  it.each([
    [{ n_batch: 512 }, '--batch-size 512'],
    [{ n_batch: 512, batch_override: 64 }, '--batch-size 64'],
    [{ type_k: 'q8_0', type_v: 'q4_0' }, '--cache-type-k q8_0 --cache-type-v q4_0'],
    [{ rope_freq_base: 10_000 }, '--rope-freq-base 10000'],
    [{ chat_template: 'chatml' }, '--chat-template chatml'],
  ])('%j becomes %s', (params, expected) => {
    expect(modelWith(params).args.join(' ')).toContain(expected);
  });

  it.each([
    [{ cpu_threads: 64 }, '--threads 64'],
    [{ use_mmap: false }, '--no-mmap'],
    [{ flash_attention: 'auto' }, '--flash-attn auto'],
  ])('system %j becomes %s', (system, expected) => {
    expect(modelWith({}, system).args.join(' ')).toContain(expected);
  });

  it('are preloaded, all of them or by name', () => {
    expect(modelWith({}, { preload_models: ['*'] }).startup).toBe(true);
    expect(modelWith({}, { preload_models: ['a'] }).startup).toBe(true);
    expect(errorsOf({ system: { preload_models: ['b'] } })).toEqual([
      'system.preload_models[0]: is not a key of `models`',
    ]);
  });

  it('go to the GPUs by their number, where numbers mean something', () => {
    const system = { gpu_devices: [1, 3] };
    expect(modelWith({}, system).devices).toEqual(['CUDA1', 'CUDA3']);
    const without = { ...plain, hasNvidia: false };
    const config = resolved({ ...(withParams({}) as object), system }, without);
    expect((config.models.get('a') as FileModelConfig).devices).toEqual([]);
  });
});

/** Every constraint of the tables: the values at its ends, and those just beyond. */
const ranges: readonly (readonly [string, string, number, number])[] = [
  ['system', 'max_concurrent_models', 1, 10],
  ['system', 'idle_timeout_sec', 60, 86_400],
  ['system', 'request_timeout_sec', 30, 3600],
  ['system', 'parallel_requests', 1, 32],
  ['system', 'cpu_threads', 1, 64],
  ['system', 'max_queue_size_per_model', 10, 1000],
  ['system', 'queue_timeout_sec', 30, 600],
  ['api', 'port', 1024, 65_535],
  ['params', 'n_ctx', 512, 131_072],
  ['params', 'n_batch', 8, 512],
  ['params', 'parallel_override', 1, 32],
  ['params', 'batch_override', 8, 512],
];

describe.each(ranges)('%s.%s', (section, key, least, most) => {
  const documentWith = (value: unknown): unknown =>
    section === 'params' ? withParams({ [key]: value }) : { [section]: { [key]: value } };
  const path = section === 'params' ? `models.a.params.${key}` : `${section}.${key}`;

  it(`takes ${least} to ${most}`, () => {
    expect(errorsOf(documentWith(least))).toEqual([]);
    expect(errorsOf(documentWith(most))).toEqual([]);
  });
  it('refuses what is beyond', () => {
    expect(errorsOf(documentWith(least - 1))).toEqual([`${path}: must be at least ${least}`]);
    expect(errorsOf(documentWith(most + 1))).toEqual([`${path}: must be at most ${most}`]);
    expect(errorsOf(documentWith(least + 0.5))).toEqual([expect.stringMatching(/must be a whole number/)]);
    expect(errorsOf(documentWith('many'))).toEqual([expect.stringContaining(`${path}: must be`)]);
  });
});

describe('other constraints of the tables', () => {
  it.each([
    [{ system: { flash_attention: 'yes' } }, 'system.flash_attention: must be one of on, off, auto'],
    [{ system: { use_mmap: 'yes' } }, 'system.use_mmap: must be'],
    [{ system: { gpu_devices: 0 } }, 'system.gpu_devices: must be'],
    [{ system: { llama_server_path: '/missing' } }, 'system.llama_server_path: must be a file that exists'],
    [
      { system: { llama_server_path: '/x/not-executable' } },
      'system.llama_server_path: must be a file that this user may run',
    ],
    [{ api: { cors_origins: '*' } }, 'api.cors_origins: must be'],
    [{ models: { a: {} } }, 'models.a.model_path: must be given'],
    [{ models: { a: { model_path: '/m/a.bin' } } }, 'models.a.model_path: must end with .gguf'],
    [{ models: { a: { model_path: '/m/missing.gguf' } } }, 'models.a.model_path: must be a file that exists'],
    [withParams({ n_gpu_layers: -2 }), 'models.a.params.n_gpu_layers: must be at least -1'],
    [withParams({ embedding: 1 }), 'models.a.params.embedding: must be'],
    [withParams({ type_k: 'q9_0' }), 'models.a.params.type_k: must be one of f32, f16'],
    [withParams({ type_v: 'q9_0' }), 'models.a.params.type_v: must be one of f32, f16'],
    [{ models: [] }, 'models: must be'],
  ])('%j', (document, expected) => {
    expect(errorsOf(document)).toEqual([expect.stringContaining(expected)]);
  });

  it.each(cacheTypes)('takes %s for the cache', (type) => {
    expect(errorsOf(withParams({ type_k: type, type_v: type }))).toEqual([]);
  });

  it('tells all mistakes at once', () => {
    expect(
      errorsOf({ system: { cpu_threads: 0 }, api: { port: 80 }, models: { a: { model_path: 'x' } } }),
    ).toHaveLength(3);
  });

  it('drops keys that it does not know, and pages that are no origin', () => {
    const { report, native } = importOf({ colour: 1, api: { cors_origins: ['*', 'http://a.example'] }, models: {} });
    expect(report).toContainEqual(expect.objectContaining({ path: 'colour', outcome: 'dropped' }));
    expect(native['server']).toMatchObject({ allowedOrigins: ['http://a.example'] });
  });
});
