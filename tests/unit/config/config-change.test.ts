import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideConfigChange, isEmptyChange } from '../../../electron/engine/config/config-change.ts';
import { configReference } from '../../../electron/engine/config/config-reference.ts';
import { parseConfig } from '../../../electron/engine/config/load-config.ts';
import { notYetEffective } from '../../../electron/engine/config/not-yet-effective.ts';
import type {
  CommandModelConfig,
  FileModelConfig,
  ModelConfig,
  ResolvedConfig,
} from '../../../electron/engine/config/resolved-config.ts';

function config(text: string): ResolvedConfig {
  const result = parseConfig({
    text,
    filePath: '/etc/corral/config.yaml',
    env: {},
    homeFolder: '/home/ann',
    platform: 'linux',
  });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

const base = config(`
models:
  f: { file: f.gguf }
  c: { command: server }
`);
const fileModel = base.models.get('f') as FileModelConfig;
const commandModel = base.models.get('c') as CommandModelConfig;

function withModels(...models: ModelConfig[]): ResolvedConfig {
  return { ...base, models: new Map(models.map((model) => [model.id, model])) };
}

const nothing = {
  added: [],
  removed: [],
  restarted: [],
  updated: [],
  settings: [],
  isListenerChanged: false,
  isEngineChanged: false,
};

type Changes<Model> = { readonly [Name in keyof Omit<Model, 'id' | 'kind'>]: Model[Name] };

const sharedChanges: Changes<FileModelConfig> & Changes<CommandModelConfig> = {
  file: '/etc/corral/other.gguf',
  mmproj: '/p.gguf',
  contextSize: 4096,
  gpuLayers: 'all',
  kvCacheType: 'q8_0',
  parallel: 2,
  embeddings: true,
  pooling: 'mean',
  rerank: true,
  devices: ['CUDA0'],
  rpc: ['10.0.0.5:50052'],
  args: ['--verbose'],
  keepKvCache: true,
  env: { A: '1' },
  command: ['server', '--other'],
  firstPort: 50_000,
  cwd: '/srv',
  health: '/ready',
  readyPattern: /listening/,
  stopCommand: ['stop'],
  aliases: ['x'],
  concurrency: 3,
  queue: { max: 1, maxWaitMs: 1 },
  ttlMs: 5,
  startTimeoutMs: 5,
  answerTimeoutMs: 6,
  stopGraceMs: 5,
  pinned: true,
  startup: true,
  priority: 4,
  filters: { strip: ['seed'], set: {} },
  isUnlisted: true,
  proxy: 'http://127.0.0.1:8999',
};

const updatedOnly: Readonly<Record<string, string>> = {
  stopCommand: 'stopCommand',
  aliases: 'aliases',
  concurrency: 'concurrency',
  queue: 'queue',
  ttlMs: 'ttl',
  startTimeoutMs: 'startTimeout',
  answerTimeoutMs: 'answerTimeout',
  stopGraceMs: 'stopGrace',
  pinned: 'pinned',
  startup: 'startup',
  priority: 'priority',
  filters: 'filters',
  isUnlisted: 'unlisted',
};

describe('decideConfigChange on models', () => {
  it.each(Object.entries(sharedChanges))('sorts a change of %s', (field, value) => {
    const owners = [fileModel, commandModel].filter((model) => field in model);
    expect(owners).not.toEqual([]);
    for (const owner of owners) {
      const other = owner.kind === 'file' ? commandModel : fileModel;
      const change = decideConfigChange(withModels(owner, other), withModels({ ...owner, [field]: value }, other));
      const key = updatedOnly[field];
      expect(change).toEqual({
        ...nothing,
        ...(key === undefined
          ? { restarted: [{ id: owner.id, reasons: [field] }] }
          : { updated: [{ id: owner.id, keys: [key] }] }),
      });
    }
  });

  it('names keys as they are written in the file', () => {
    const written = new Set(configReference().map(({ key }) => key.replace(/^models\.<id>\./, '')));
    for (const field of Object.keys(sharedChanges)) {
      const key = updatedOnly[field] ?? field;
      expect([...written].some((name) => name === key || name.startsWith(`${key}.`))).toBe(true);
    }
  });

  it('has the kind as the only reason when a model changes it', () => {
    const change = decideConfigChange(withModels(fileModel), withModels({ ...commandModel, id: 'f' }));
    expect(change).toEqual({ ...nothing, restarted: [{ id: 'f', reasons: ['kind'] }] });
  });

  it('lists a model that must restart only there, with all reasons', () => {
    const after = { ...fileModel, args: ['a'], contextSize: 1, ttlMs: 1 };
    expect(decideConfigChange(withModels(fileModel), withModels(after))).toEqual({
      ...nothing,
      restarted: [{ id: 'f', reasons: ['contextSize', 'args'] }],
    });
  });

  it('keeps the order of the files for models that come and go', () => {
    const named = (id: string): ModelConfig => ({ ...commandModel, id });
    const change = decideConfigChange(
      withModels(named('z'), named('same'), named('a')),
      withModels(named('y'), named('same'), named('b')),
    );
    expect(change).toEqual({ ...nothing, added: ['y', 'b'], removed: ['z', 'a'] });
  });

  it('does not mind the order of variables, nor that a pattern is another object', () => {
    const before = { ...commandModel, env: { A: '1', B: '2' }, readyPattern: /x/ };
    const after = { ...commandModel, env: { B: '2', A: '1' }, readyPattern: /x/ };
    expect(decideConfigChange(withModels(before), withModels(after))).toEqual(nothing);
    const other = { ...after, readyPattern: /x/i };
    expect(decideConfigChange(withModels(before), withModels(other)).restarted).toEqual([
      { id: 'c', reasons: ['readyPattern'] },
    ]);
  });

  it('restarts models with a file, and no others, for another llama-server', () => {
    const change = decideConfigChange(base, { ...base, engine: { ...base.engine, path: '/opt/llama-server' } });
    expect(change).toEqual({
      ...nothing,
      restarted: [{ id: 'f', reasons: ['engine.path'] }],
      settings: ['engine.path'],
      isEngineChanged: true,
    });
    expect(decideConfigChange(base, { ...base, engine: { ...base.engine, autoInstall: false } }).restarted).toEqual([]);
  });

  it('sees through defaults: what changes for a model is what counts', () => {
    const models = '\nmodels: { a: { file: a.gguf, ttl: 1m }, b: { file: b.gguf } }';
    const change = decideConfigChange(
      config(`defaults: { ttl: 2m }${models}`),
      config(`defaults: { ttl: 3m }${models}`),
    );
    expect(change).toEqual({ ...nothing, updated: [{ id: 'b', keys: ['ttl'] }] });
  });
});

describe('decideConfigChange on settings', () => {
  it.each([
    ['server: { host: "::1" }', ['server.host'], true],
    ['server: { port: 1 }', ['server.port'], true],
    ['server: { apiKeys: [{ name: a, key: k }] }', ['server.apiKeys'], false],
    ['server: { adminToken: t }', ['server.adminToken'], false],
    ['server: { allowedOrigins: ["http://a"] }', ['server.allowedOrigins'], false],
    ['server: { allowedHosts: [a] }', ['server.allowedHosts'], false],
    ['server: { allowRemoteConfig: true }', ['server.allowRemoteConfig'], false],
    ['server: { maxBodyBytes: 1MiB }', ['server.maxBodyBytes'], false],
    [
      'server: { timeouts: { request: 1s, connect: 1s, response: 1s, idle: 1s, shutdown: 1s } }',
      [
        'server.timeouts.request',
        'server.timeouts.connect',
        'server.timeouts.response',
        'server.timeouts.idle',
        'server.timeouts.shutdown',
      ],
      false,
    ],
    ['memory: { policy: reject, maxLoaded: 3 }', ['memory.policy', 'memory.maxLoaded'], false],
    [
      'scheduler: { waitingComments: { enabled: false, after: 1s, interval: 1s } }',
      ['scheduler.waitingComments.enabled', 'scheduler.waitingComments.after', 'scheduler.waitingComments.interval'],
      false,
    ],
    ['scheduler: { fairnessBound: 7s, maxQueued: 1 }', ['scheduler.fairnessBound', 'scheduler.maxQueued'], false],
    ['log: { level: debug }', ['log.level'], false],
    ['memory: { kvCache: { folder: x, maxSize: 1GiB } }', ['memory.kvCache.folder', 'memory.kvCache.maxSize'], false],
    ['telemetry: { maxRecords: 1, maxFileSize: 0 }', ['telemetry.maxRecords', 'telemetry.maxFileSize'], false],
    ['models: {}', [], false],
  ])('names what %s changes', (text, settings, isListenerChanged) => {
    const change = decideConfigChange(config(''), config(text));
    expect(change).toEqual({ ...nothing, settings, isListenerChanged });
    const known = configReference().map(({ key }) => key);
    for (const path of settings) {
      expect(known.some((key) => key === path || key.startsWith(`${path}[]`))).toBe(true);
    }
  });

  it('names sets by the user’s own name', () => {
    const models = '\nmodels: { a: { command: a }, b: { command: b } }';
    const before = config(`sets: { isMs: { models: [a] }, gone: { models: [a] } }${models}`);
    const after = config(`sets: { isMs: { models: [a], exclusive: true }, "x y": { models: [b] } }${models}`);
    expect(decideConfigChange(before, after)).toEqual({
      ...nothing,
      settings: ['sets.isMs.exclusive', 'sets.gone', 'sets["x y"]'],
    });
  });

  it('says something about every setting that has an effect', () => {
    const sections = new Set(
      configReference()
        .filter(({ isEffective }) => isEffective)
        .map(({ key }) => key.split('.')[0]?.replace('[]', '')),
    );
    sections.delete('models');
    sections.delete('defaults');
    const others = ['filePath', 'foreign', 'models', 'foundModel'];
    const compared = new Set(Object.keys(base).filter((name) => !others.includes(name)));
    expect(notYetEffective.length).toBeGreaterThan(0);
    expect(compared).toEqual(sections);
  });
});

describe('decideConfigChange in general', () => {
  const aModel = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    pinned: fc.boolean(),
    aliases: fc.array(fc.string(), { maxLength: 2 }),
    env: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
    args: fc.array(fc.string(), { maxLength: 2 }),
    isFile: fc.boolean(),
  });
  const models = fc
    .uniqueArray(aModel, { selector: ({ id }) => id })
    .map((list) =>
      list.map(({ isFile, args, ...rest }): ModelConfig =>
        isFile ? { ...fileModel, ...rest, args } : { ...commandModel, ...rest, command: ['s', ...args] },
      ),
    );

  it('finds nothing between equal configurations, in whatever order their models are', () => {
    fc.assert(
      fc.property(models, fc.nat(), (list, turn) => {
        const cut = list.length === 0 ? 0 : turn % list.length;
        const turned = structuredClone([...list.slice(cut), ...list.slice(0, cut)]).reverse();
        const change = decideConfigChange(withModels(...list), withModels(...turned));
        expect(change).toEqual(nothing);
        expect(isEmptyChange(change)).toBe(true);
      }),
    );
  });

  it('lists every model once at most, and the way back mirrors the way there', () => {
    fc.assert(
      fc.property(models, models, (one, other) => {
        const there = decideConfigChange(withModels(...one), withModels(...other));
        const back = decideConfigChange(withModels(...other), withModels(...one));
        const ids = [
          ...there.added,
          ...there.removed,
          ...there.restarted.map(({ id }) => id),
          ...there.updated.map(({ id }) => id),
        ];
        expect(new Set(ids).size).toBe(ids.length);
        expect(new Set(there.added)).toEqual(new Set(back.removed));
        expect(new Set(there.restarted.map(({ id }) => id))).toEqual(new Set(back.restarted.map(({ id }) => id)));
        expect(isEmptyChange(there)).toBe(isEmptyChange(back));
      }),
    );
  });
});
