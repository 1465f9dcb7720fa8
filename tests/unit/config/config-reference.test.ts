import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../../electron/engine/config/config-json-schema.ts';
import { configReference, configReferenceMarkdown } from '../../../electron/engine/config/config-reference.ts';
import { parseConfig } from '../../../electron/engine/config/load-config.ts';
import type { ResolvedConfig } from '../../../electron/engine/config/resolved-config.ts';

const root = new URL('../../../', import.meta.url);
const HOW = 'out of date: run `npm run schema`';

function parse(config: unknown): ReturnType<typeof parseConfig> {
  return parseConfig({
    text: JSON.stringify(config),
    filePath: '/etc/corral/config.yaml',
    env: {},
    homeFolder: '/home/ann',
    platform: 'linux',
  });
}

function resolved(config: unknown): ResolvedConfig {
  const result = parse(config);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

/** A value for every key that takes effect, unlike its default. */
const samples: Readonly<Record<string, unknown>> = {
  'server.host': 'localhost',
  'server.port': 1,
  'server.apiKeys[].name': 'other',
  'server.apiKeys[].key': 'other',
  'server.apiKeys[].priority': 3,
  'server.apiKeys[].concurrency': 3,
  'server.apiKeys[].models': ['x'],
  'server.apiKeys[].waitingComments': false,
  'server.adminToken': 'x',
  'server.allowedOrigins': ['https://x.example'],
  'server.allowedHosts': ['x.example'],
  'server.allowRemoteConfig': true,
  'server.maxBodyBytes': 4096,
  'server.remoteImages': 'fetch',
  'server.timeouts.request': '1s',
  'server.timeouts.connect': '1s',
  'server.timeouts.response': '1s',
  'server.timeouts.idle': '1s',
  'server.timeouts.shutdown': '1s',
  'engine.path': 'x',
  'engine.autoInstall': false,
  'defaults.contextSize': 5,
  'defaults.gpuLayers': 5,
  'defaults.kvCacheType': 'q8_0',
  'defaults.parallel': 5,
  'defaults.concurrency': 5,
  'defaults.args': ['x'],
  'defaults.env': { X: '1' },
  'defaults.ttl': '5s',
  'defaults.startTimeout': '5s',
  'defaults.answerTimeout': '4s',
  'defaults.stopGrace': '5s',
  'defaults.queue.max': 5,
  'defaults.queue.maxWait': '5s',
  'memory.policy': 'reject',
  'memory.maxLoaded': 5,
  'memory.reserve': '5GiB',
  'memory.budgets': { RAM: '5GiB' },
  'memory.kvCache.folder': 'x',
  'memory.kvCache.maxSize': '5GiB',
  'memory.gameMode.requests': 'refuse',
  'memory.gameMode.automatic': true,
  'scheduler.fairnessBound': '5s',
  'scheduler.maxQueued': 5,
  'scheduler.waitingComments.enabled': false,
  'scheduler.waitingComments.after': '7s',
  'scheduler.waitingComments.interval': '7s',
  'models.<id>.file': 'other.gguf',
  'models.<id>.mmproj': 'x',
  'models.<id>.contextSize': 6,
  'models.<id>.gpuLayers': 6,
  'models.<id>.kvCacheType': 'q4_0',
  'models.<id>.parallel': 6,
  'models.<id>.embeddings': true,
  'models.<id>.pooling': 'mean',
  'models.<id>.rerank': true,
  'models.<id>.devices': ['CUDA0'],
  'models.<id>.rpc': ['10.0.0.5:50052'],
  'models.<id>.args': ['y'],
  'models.<id>.keepKvCache': true,
  'models.<id>.command': 'other',
  'models.<id>.stopCommand': 'x',
  'models.<id>.health': 'none',
  'models.<id>.readyPattern': 'x',
  'models.<id>.proxy': 'http://127.0.0.1:8999',
  'models.<id>.firstPort': 50_000,
  'models.<id>.cwd': 'x',
  'models.<id>.aliases': ['x'],
  'models.<id>.concurrency': 6,
  'models.<id>.queue.max': 6,
  'models.<id>.queue.maxWait': '6s',
  'models.<id>.env': { Y: '1' },
  'models.<id>.ttl': '6s',
  'models.<id>.startTimeout': '6s',
  'models.<id>.answerTimeout': '3s',
  'models.<id>.stopGrace': '6s',
  'models.<id>.pinned': true,
  'models.<id>.startup': true,
  'models.<id>.priority': 6,
  'models.<id>.filters.strip': ['x'],
  'models.<id>.filters.set': { x: 1 },
  'models.<id>.filters.setFor': { other: { x: 1 } },
  'models.<id>.filters.model': 'x',
  'models.<id>.unlisted': true,
  'sets.<id>.models': ['a', 'b'],
  'sets.<id>.load': 'together',
  'sets.<id>.exclusive': true,
  'catalog.folders': ['x'],
  'catalog.huggingFaceCache': false,
  'catalog.ollama': true,
  'catalog.lmStudio': true,
  'catalog.huggingFace.origin': 'https://x.example',
  'catalog.huggingFace.parallelFiles': 5,
  'sets.<id>.evictsOthers': true,
  'sets.<id>.oneAtATime': true,
  'sets.<id>.persistent': true,
  'sets.<id>.byName': true,
  'listeners[].dialect': 'ollama',
  'listeners[].host': '127.0.0.2',
  'listeners[].port': 8081,
  'listeners[].options': { owner: 'x' },
  'pools.<id>.endpoints[].url': 'http://other',
  'pools.<id>.endpoints[].apiKey': 'k',
  'pools.<id>.endpoints[].models': ['x'],
  'pools.<id>.endpoints[].concurrency': 5,
  'pools.<id>.sticky': 'user',
  'pools.<id>.stickyTtl': '5s',
  'pools.<id>.maxSticky': 5,
  'pools.<id>.wildcard': 'any',
  'pools.<id>.queue.max': 5,
  'pools.<id>.queue.maxWait': '5s',
  'pools.<id>.health.path': 'none',
  'pools.<id>.health.interval': '5s',
  'pools.<id>.health.timeout': '6s',
  'telemetry.maxRecords': 5,
  'telemetry.maxFileSize': '5MiB',
  'updates.channel': 'beta',
  'log.level': 'debug',
};

const commandKeys = /^models\.<id>\.(command|stopCommand|health|proxy|readyPattern|firstPort|cwd)$/;

/** A valid configuration in which one key has `value`, or which is as plain as that key allows. */
function configWith(key: string, ...value: unknown[]): unknown {
  const config: Record<string, unknown> = {
    server: { apiKeys: [{ name: 'a', key: 'k' }] },
    models: { '<id>': commandKeys.test(key) ? { command: 'serve' } : { file: 'm.gguf' } },
    ...(key.startsWith('sets.')
      ? { models: { a: { file: 'a.gguf' }, b: { file: 'b.gguf' } }, sets: { '<id>': { models: ['a'] } } }
      : {}),
    ...(key.startsWith('pools.') ? { pools: { '<id>': { endpoints: [{ url: 'http://x' }] } } } : {}),
  };
  if (key.startsWith('listeners')) config['listeners'] = [{ dialect: 'llama_cpp_router', port: 8080 }];
  if (value.length === 0) return config;
  const parts = key.split('.');
  let group = config;
  for (const part of parts.slice(0, -1)) {
    const next = (group[part.replace('[]', '')] ??= part.endsWith('[]') ? [{}] : {});
    group = (Array.isArray(next) ? next[0] : next) as Record<string, unknown>;
  }
  group[parts.at(-1) ?? ''] = value[0];
  return config;
}

/** Values of which one fits each key that has no effect yet. */
const anything = [
  true,
  1,
  '1s',
  '1GiB',
  'x',
  ['h:1'],
  { n: '1GiB' },
  {},
  'http://x',
  'user',
  'hold',
  'cpu',
  'latest',
  'beta',
];

/** Sections whose entries need more than one key to be valid. */
const entries: Readonly<Record<string, unknown>> = {
  sets: { s: { models: ['a'] } },
  pools: { p: { endpoints: [{ url: 'http://x' }] } },
};

describe('every key of the schema', () => {
  it.each(configReference().filter((row) => row.isEffective))('$key changes the configuration', ({ key }) => {
    expect(Object.keys(samples)).toContain(key);
    expect(resolved(configWith(key, samples[key]))).not.toEqual(resolved(configWith(key)));
  });

  it.each(configReference().filter((row) => !row.isEffective))('$key says that it has no effect yet', ({ key }) => {
    const section = key.split('.')[0] ?? '';
    const configs =
      section in entries
        ? [{ [section.replace('[]', '')]: entries[section] }]
        : anything.map((value) => configWith(key, value));
    const accepted = configs.map(parse).find((result) => result.ok);
    expect(accepted, `no value fits ${key}`).toBeDefined();
    expect(accepted?.ok === true && accepted.warnings.length).toBeGreaterThan(0);
  });

  it.each(configReference())('$key is described', ({ description }) => {
    expect(description).toMatch(/\.$/);
  });
});

describe('what is derived from the schema', () => {
  it('corral.schema.json is up to date', async () => {
    const written = JSON.parse(await readFile(new URL('corral.schema.json', root), 'utf8')) as unknown;
    expect(written, HOW).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
  });

  it('the reference in docs/configuration.md is up to date', async () => {
    const docs = await readFile(new URL('docs/configuration.md', root), 'utf8');
    const options = await resolveConfig(new URL('docs/configuration.md', root));
    const expected = await format(configReferenceMarkdown(), { ...options, parser: 'markdown' });
    expect(docs.includes(expected.trim()), HOW).toBe(true);
  });

  it('the examples in docs/configuration.md are valid', async () => {
    const docs = await readFile(new URL('docs/configuration.md', root), 'utf8');
    const examples = [...docs.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(1);
    for (const text of examples) {
      const env = { CORRAL_LAPTOP_KEY: 'a', CORRAL_BATCH_KEY: 'b' };
      const result = parseConfig({ text, filePath: '/c.yaml', env, homeFolder: '/home/ann', platform: 'linux' });
      expect(result).toMatchObject({ ok: true, warnings: [] });
    }
  });
});
