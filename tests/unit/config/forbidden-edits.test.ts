import { describe, expect, it } from 'vitest';
import { configReference } from '../../../electron/engine/config/config-reference.ts';
import { findForbiddenEdits } from '../../../electron/engine/config/forbidden-edits.ts';

type Path = (string | number)[];

/** The path of a row of the reference; a name for `<id>`, a position for `[]`. */
function pathOf(key: string): Path {
  return key.split('.').flatMap((part): Path => {
    if (part === '<id>') return ['any.name'];
    return part.endsWith('[]') ? [part.slice(0, -2), 0] : [part];
  });
}

const isForbidden = (path: Path, value?: unknown): boolean => findForbiddenEdits([{ path, value }]).length > 0;

/** Every key of the schema that may be set from afar. A new key is not among them until somebody adds it here and there. */
const open = [
  'server.port',
  'server.apiKeys[].priority',
  'server.apiKeys[].concurrency',
  'server.apiKeys[].waitingComments',
  'server.maxBodyBytes',
  'server.timeouts.request',
  'server.timeouts.connect',
  'server.timeouts.response',
  'server.timeouts.idle',
  'server.timeouts.shutdown',
  'defaults.contextSize',
  'defaults.gpuLayers',
  'defaults.kvCacheType',
  'defaults.parallel',
  'defaults.concurrency',
  'defaults.ttl',
  'defaults.startTimeout',
  'defaults.answerTimeout',
  'defaults.stopGrace',
  'defaults.queue.max',
  'defaults.queue.maxWait',
  'memory.policy',
  'memory.reserve',
  'memory.maxLoaded',
  'memory.kvCache.maxSize',
  'memory.gameMode.requests',
  'memory.gameMode.automatic',
  'scheduler.fairnessBound',
  'scheduler.maxQueued',
  'scheduler.defaultModel',
  'scheduler.waitingComments.enabled',
  'scheduler.waitingComments.after',
  'scheduler.waitingComments.interval',
  'models.<id>.contextSize',
  'models.<id>.gpuLayers',
  'models.<id>.kvCacheType',
  'models.<id>.parallel',
  'models.<id>.embeddings',
  'models.<id>.pooling',
  'models.<id>.rerank',
  'models.<id>.devices',
  'models.<id>.keepKvCache',
  'models.<id>.aliases',
  'models.<id>.concurrency',
  'models.<id>.queue.max',
  'models.<id>.queue.maxWait',
  'models.<id>.ttl',
  'models.<id>.startTimeout',
  'models.<id>.answerTimeout',
  'models.<id>.stopGrace',
  'models.<id>.pinned',
  'models.<id>.startup',
  'models.<id>.priority',
  'models.<id>.filters.strip',
  'models.<id>.unlisted',
  'sets.<id>.models',
  'sets.<id>.load',
  'sets.<id>.exclusive',
  'sets.<id>.evictsOthers',
  'sets.<id>.oneAtATime',
  'sets.<id>.persistent',
  'sets.<id>.byName',
  'telemetry.maxRecords',
  'telemetry.maxFileSize',
  'log.level',
];

describe('findForbiddenEdits', () => {
  const keys = configReference().map(({ key }) => key);

  it('lets exactly the listed keys of the schema through, and knows none that is not in it', () => {
    expect(keys.filter((key) => !isForbidden(pathOf(key), 1))).toEqual(open);
  });

  it.each(keys.filter((key) => !open.includes(key)))('refuses %s, set or removed', (key) => {
    expect(isForbidden(pathOf(key), 'canary')).toBe(true);
    expect(isForbidden(pathOf(key))).toBe(true);
    // Of these two the entries are open, one by one.
    if (key === 'memory.budgets' || key === 'models.<id>.filters.set') return;
    expect(isForbidden([...pathOf(key), 0], 'canary')).toBe(true);
    expect(isForbidden([...pathOf(key), 'name'], 'canary')).toBe(true);
  });

  it('refuses every group, whatever it holds', () => {
    const groups = new Set(
      keys.flatMap((key) => pathOf(key).map((_, index, path) => JSON.stringify(path.slice(0, index)))),
    );
    for (const group of groups) {
      const path = JSON.parse(group) as Path;
      expect(isForbidden(path, { command: 'canary' }), group).toBe(true);
      expect(isForbidden(path, {}), group).toBe(true);
      expect(isForbidden(path), group).toBe(true);
    }
    expect(findForbiddenEdits([{ path: ['models', 'x'], value: { command: 'canary' } }])).toEqual([
      { path: 'models.x', message: expect.stringContaining('one by one') as string },
    ]);
  });

  it.each([
    [['models', '__proto__', 'ttl'], '5m'],
    [['models', 'constructor', 'ttl'], '5m'],
    [['constructor', 'prototype', 'command'], 'x'],
    [['memory', 'budgets', '__proto__'], 1],
    [['models', 'x', 'filters', 'set', 'a'], JSON.parse('{"__proto__": {"command": 1}}')],
    [['models', 'x', 'filters', 'set', 'a'], { b: [{ constructor: 1 }] }],
    [['models', 'x', 'ttl'], { command: 'canary' }],
    [['models', 'x', 'aliases'], [{ command: 'canary' }]],
    [['models', 'x', 'aliases'], ['${env.HOME}']],
    [['models', 'x', 'aliases'], 'a${env.HOME}'],
    [['models', 'x', 'filters', 'set', 'a'], { b: ['${env.SECRET}'] }],
    [['models', 'x', 'filters', 'set', 'a', 'b'], 1],
    [['models', 'x', 'filters', 'set', 'a'], () => 1],
    [['models', 'x', 'TTL'], '5m'],
    [['models', 'x'], undefined],
    [['Models', 'x', 'ttl'], '5m'],
    [['models', 'x', 'ttl', 'x'], '5m'],
    [[], { models: {} }],
    [['newSection', 'x'], 1],
    [['$schema'], 'http://example.com'],
  ] as [Path, unknown][])('refuses %j = %o', (path, value) => {
    expect(isForbidden(path, value)).toBe(true);
  });

  it.each([
    [
      ['models', 'x', 'aliases'],
      ['a', 'b'],
    ],
    [['models', 'a.b/c', 'ttl'], '5m'],
    [['models', 'x', 'ttl'], undefined],
    [['models', 'x', 'filters', 'set', 'chat_template_kwargs'], { enable_thinking: false, list: [1, null] }],
    [['memory', 'budgets', 'CUDA0'], '20GiB'],
  ] as [Path, unknown][])('lets %j = %o through', (path, value) => {
    expect(findForbiddenEdits([{ path, value }])).toEqual([]);
  });

  it('names each of several edits that is refused, and only those', () => {
    const refused = findForbiddenEdits([
      { path: ['log', 'level'], value: 'debug' },
      { path: ['models', 'x', 'command'], value: 'canary' },
      { path: ['server', 'apiKeys', 0, 'key'], value: 'canary' },
    ]);
    expect(refused.map(({ path }) => path)).toEqual(['models.x.command', 'server.apiKeys[0].key']);
    expect(JSON.stringify(refused)).not.toContain('canary');
  });

  it('does not exhaust the stack on a value that is nested without end', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(isForbidden(['models', 'x', 'filters', 'set', 'a'], deep)).toBe(true);
  });
});
