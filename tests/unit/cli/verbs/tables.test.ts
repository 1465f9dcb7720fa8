import { describe, expect, it } from 'vitest';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { showAllModels, showLoadedModels } from '../../../../electron/cli/verbs/list-models.ts';
import { cancelRequest, showQueue } from '../../../../electron/cli/verbs/queue.ts';
import { showStatus } from '../../../../electron/cli/verbs/status.ts';
import { createContext } from '../support/recording-terminal.ts';
import { createScriptedBridge } from '../support/scripted-bridge.ts';
import { NOW_MS, modelView, queueEntry, snapshotOf } from '../../../fakes/views.ts';

const models: ModelView[] = [
  modelView({ id: 'off' }),
  modelView({
    id: 'cold',
    state: 'loading',
    loadProgress: 0.429,
    waitingRequests: 2,
    pid: 10,
    stateSince: NOW_MS - 3000,
  }),
  modelView({ id: 'busy', state: 'ready', activeRequests: 3, contextSize: 8192, pid: 11 }),
  modelView({ id: 'idle', state: 'ready', contextSize: 131072, pid: 12, lastUsedAt: NOW_MS - 12_000 }),
  modelView({ id: 'gone', state: 'failed', problem: { code: 'model-failed', message: 'It was given up.\nTwice.' } }),
];
const bridge = createScriptedBridge({
  'get-snapshot': () =>
    snapshotOf({
      models,
      queue: [
        queueEntry({ id: 'b', position: 2 }),
        queueEntry({ id: 'a', waitsFor: 'load', reason: 'qwen3 is loading (40%)', expectedWaitMs: 12_000 }),
      ],
    }),
  'cancel-request': () => ({}),
});

describe('corral ps', () => {
  it('lists the models that hold memory', async () => {
    const context = createContext();
    await showLoadedModels(bridge, context);
    expect(context.terminal.output.split('\n')).toEqual([
      'NAME  STATE        REQUESTS        CONTEXT  PID  IDLE/ACTIVE SINCE',
      'cold  loading 42%  0 (+2 waiting)        -   10  loading 3.0 s',
      'busy  ready        3                  8192   11  active',
      'idle  ready        0                131072   12  idle 12 s',
      '',
    ]);
  });

  it('is a list of views for programs', async () => {
    const context = createContext({ isJson: true });
    await showLoadedModels(bridge, context);
    expect(JSON.parse(context.terminal.output)).toEqual(models.slice(1, 4));
  });
});

describe('corral models', () => {
  it('lists all, with what is to be known about each, in one line', async () => {
    const context = createContext();
    const demo = modelView({
      id: 'demo',
      isDemo: true,
      origin: 'demo',
      isPinned: true,
      aliases: ['a', 'b'],
      kind: 'command',
    });
    const both = createScriptedBridge({ 'get-snapshot': () => snapshotOf({ models: [demo, models[4]!] }) });
    await showAllModels(both, context);
    expect(context.terminal.output.split('\n')).toEqual([
      'NAME  STATE   REQUESTS  KIND     ALIASES  NOTES',
      'demo  off     0         command  a, b     built-in demo; pinned',
      'gone  failed  0         file     -        It was given up.\\x0aTwice.',
      '',
    ]);
  });

  it('is a list of views for programs', async () => {
    const context = createContext({ isJson: true });
    await showAllModels(bridge, context);
    expect(JSON.parse(context.terminal.output)).toEqual(models);
  });
});

describe('corral queue', () => {
  it('lists what waits in the order it is served', async () => {
    const context = createContext();
    await showQueue(bridge, context);
    expect(context.terminal.output.split('\n')).toEqual([
      'POSITION  ID  MODEL  LANE     PRIORITY  AGE    EXPECTED  WAITS FOR',
      '       1  a   qwen3  default         0  2.0 s  12 s      qwen3 is loading (40%)',
      '       2  b   qwen3  default         0  2.0 s  -         slot of qwen3: 1 of 1 busy',
      '',
    ]);
  });

  it('cancels by id', async () => {
    const context = createContext();
    await cancelRequest(bridge, context, 'a');
    expect(bridge.calls.at(-1)).toEqual({ name: 'cancel-request', request: { request: 'a' } });
    expect(context.terminal.output).toBe('Request a is cancelled\n');
  });
});

describe('corral status', () => {
  it('says where Corral is and what it does', async () => {
    const context = createContext();
    await showStatus(bridge, context);
    expect(context.terminal.output.split('\n')).toEqual([
      'Corral 1.2.3',
      'Address        http://127.0.0.1:5526  (OpenAI-compatible: http://127.0.0.1:5526/v1)',
      'Process        pid 4242, up 4 min',
      'Configuration  none, defaults are used',
      'Data folder    /data',
      'llama-server   being looked for',
      'Models         5, 3 loaded (at most 1 at once)',
      'Requests       3 running, 2 waiting',
      '',
    ]);
  });

  it('shows servers elsewhere and what is wrong with them', async () => {
    const endpoint = {
      url: 'http://gpu-1.lan:5526',
      health: 'healthy' as const,
      problem: null,
      isResting: false,
      activeRequests: 2,
      concurrency: 8,
      servedRequests: 9,
      modelCount: 1,
      checkedAt: 1,
    };
    const dead = {
      url: 'http://gpu-2.lan:8000',
      health: 'down' as const,
      problem: 'connection refused',
      modelCount: null,
    };
    const endpoints = [endpoint, { ...endpoint, ...dead, activeRequests: 0, concurrency: null }];
    const pools = [{ name: 'lab', sticky: 'user' as const, stickyUsers: 1, waitingRequests: 3, endpoints }];
    const pooled = createScriptedBridge({ 'get-snapshot': () => snapshotOf({ pools }) });
    const context = createContext();
    await showStatus(pooled, context);
    expect(context.terminal.output).toContain(
      'Pool lab       http://gpu-1.lan:5526  healthy, 1 model, 2 of 8 running, 3 waiting for the pool\n' +
        '               http://gpu-2.lan:8000  down: connection refused, 0 running\n',
    );
    const json = createContext({ isJson: true });
    await showStatus(pooled, json);
    expect(JSON.parse(json.terminal.output)).toMatchObject({ pools });
  });

  it.each([
    [
      { status: 'ready', build: { id: 'b11669', executable: '/usr/bin/llama-server', origin: 'path' } } as const,
      '/usr/bin/llama-server (from PATH, b11669)',
    ],
    [
      {
        status: 'ready',
        build: { id: '/opt/llama-server', executable: '/opt/llama-server', origin: 'config' },
      } as const,
      '/opt/llama-server (from the configuration)',
    ],
    [
      { status: 'installing', step: 'downloading', receivedBytes: 4_000_000, totalBytes: 13_000_000 } as const,
      'being installed: downloading (4.0 MB of 13.0 MB)',
    ],
    [{ status: 'installing', step: 'unpacking' } as const, 'being installed: unpacking'],
    [
      { status: 'missing', reason: 'None was found.', hint: 'Install llama.cpp.' } as const,
      'missing: None was found. Install llama.cpp.',
    ],
  ])('says how it stands with llama-server: %j', async (engine, expected) => {
    const context = createContext();
    await showStatus(createScriptedBridge({ 'get-snapshot': () => snapshotOf({ engine }) }), context);
    expect(context.terminal.output).toContain(`llama-server   ${expected}\n`);
  });

  it('says what is wrong with the configuration', async () => {
    const context = createContext();
    const instance = {
      ...snapshotOf().instance,
      configPath: '/c.yaml',
      configErrors: [{ path: '', message: 'is not UTF-8 text' }],
      configWarnings: [{ path: 'models.a.ttl', message: 'has no effect' }],
    };
    await showStatus(createScriptedBridge({ 'get-snapshot': () => snapshotOf({ instance }) }), context);
    expect(context.terminal.output).toContain(
      'Configuration  /c.yaml\n  error        is not UTF-8 text\n  warning      models.a.ttl: has no effect\n',
    );
  });

  it('is instance, engine, counts and memory for programs', async () => {
    const context = createContext({ isJson: true });
    await showStatus(bridge, context);
    const { instance, engine } = snapshotOf();
    const counts = { models: 5, loaded: 3, activeRequests: 3, waitingRequests: 2 };
    expect(JSON.parse(context.terminal.output)).toEqual({
      instance,
      engine,
      counts,
      pools: [],
      memory: snapshotOf().memory,
    });
  });
});
