import { describe, expect, it } from 'vitest';
import { errorsOf, parse, valid } from './support/config-text.ts';

describe('parseConfig on what is right', () => {
  it.each(['', '# nothing\n', '{}', 'server:\nmodels:\n', '---\n'])('fills in all defaults for %j', (text) => {
    expect(valid(text)).toEqual({
      filePath: '/etc/corral/config.yaml',
      foreign: undefined,
      listeners: [],
      server: {
        host: '127.0.0.1',
        port: 5526,
        apiKeys: [],
        adminToken: undefined,
        allowedOrigins: [],
        allowedHosts: [],
        allowRemoteConfig: false,
        maxBodyBytes: 67_108_864,
        remoteImages: 'refuse',
        timeouts: { requestMs: 300_000, connectMs: 10_000, responseMs: 0, idleMs: 0, shutdownMs: 10_000 },
      },
      engine: { path: 'auto', autoInstall: true },
      memory: {
        policy: 'evict-lru',
        maxLoaded: Number.POSITIVE_INFINITY,
        reserveBytes: 2 ** 30,
        budgetsBytes: {},
        gameMode: { requests: 'hold', isAutomatic: false },
        kvCache: { folder: undefined, maxBytes: 8 * 2 ** 30 },
      },
      scheduler: {
        fairnessBoundMs: 1000,
        maxQueued: 1000,
        waitingComments: { isEnabled: true, afterMs: 2000, intervalMs: 5000 },
      },
      log: { level: 'info' },
      telemetry: { maxRecords: 1000, maxFileBytes: 64 * 2 ** 20 },
      updates: { channel: 'stable' },
      catalog: {
        folders: [],
        huggingFaceCache: true,
        ollama: false,
        lmStudio: false,
        huggingFace: { origin: undefined, parallelFiles: 3 },
      },
      foundModel: expect.objectContaining({ kind: 'file', gpuLayers: 'auto', ttlMs: 1_800_000 }) as unknown,
      sets: new Map(),
      pools: new Map(),
      models: new Map(),
    });
  });

  it('resolves a file model with its paths, the defaults and what overrides them', () => {
    const { models } = valid(`
defaults:
  contextSize: 8192
  args: [--threads, 8]
  env: { A: one, B: two }
  ttl: 1h
  queue: { max: 7 }
models:
  qwen/3.5:
    file: gguf/q.gguf
    mmproj: ~/p.gguf
    aliases: [q]
    gpuLayers: all
    env: { B: 3.10 }
    args: ["--temp", 0.70]
    queue: { maxWait: 90s }
`);
    expect(models.get('qwen/3.5')).toEqual({
      id: 'qwen/3.5',
      kind: 'file',
      file: '/etc/corral/gguf/q.gguf',
      mmproj: '/home/ann/p.gguf',
      aliases: ['q'],
      contextSize: 8192,
      gpuLayers: 'all',
      kvCacheType: undefined,
      parallel: undefined,
      embeddings: false,
      pooling: undefined,
      rerank: false,
      devices: [],
      rpc: [],
      args: ['--threads', '8', '--temp', '0.70'],
      keepKvCache: false,
      env: { A: 'one', B: '3.10' },
      concurrency: undefined,
      queue: { max: 7, maxWaitMs: 90_000 },
      ttlMs: 3_600_000,
      startTimeoutMs: 120_000,
      stopGraceMs: 10_000,
      pinned: false,
      startup: false,
      priority: 0,
      isUnlisted: false,
    });
  });

  it('resolves a command model', () => {
    const { models } = valid(`
models:
  a:
    command: ./serve --port \${PORT} --dir "\${env.FILES} x" '' --id=\${MODEL_ID}
    stopCommand: [stop, "\${PID}", 12]
    health: none
    readyPattern: listening on \\d+
    ttl: 0
  b: { command: python3 server.py, cwd: sub }
`);
    expect(models.get('a')).toMatchObject({
      kind: 'command',
      command: ['/etc/corral/serve', '--port', '${PORT}', '--dir', '/data x', '', '--id=${MODEL_ID}'],
      stopCommand: ['stop', '${PID}', '12'],
      health: 'none',
      readyPattern: /listening on \d+/,
      ttlMs: 0,
      cwd: '/etc/corral',
    });
    expect(models.get('b')).toMatchObject({
      command: ['python3', 'server.py'],
      health: '/health',
      cwd: '/etc/corral/sub',
    });
  });

  it('reads paths and commands of Windows as they are written there', () => {
    const { models, engine } = valid(
      'engine: { path: ~\\bin\\llama-server.exe }\nmodels: { a: { command: \'"C:\\Program Files\\x.exe" \\\\host\\y\' }, b: { file: m\\b.gguf } }',
      { platform: 'win32', homeFolder: 'C:\\Users\\Ann', filePath: 'D:\\corral\\config.yaml' },
    );
    expect(engine.path).toBe('C:\\Users\\Ann\\bin\\llama-server.exe');
    expect(models.get('a')).toMatchObject({ command: ['C:\\Program Files\\x.exe', '\\\\host\\y'] });
    expect(models.get('b')).toMatchObject({ file: 'D:\\corral\\m\\b.gguf' });
  });

  it('takes JSON, a byte order mark, and ids that YAML would read as something else', () => {
    expect(valid('\uFEFF{"$schema": "./x.json", "server": {"port": 0}}').server.port).toBe(0);
    expect(
      [...valid('models: { 1.10: { file: a }, true: { file: b }, null: { file: c } }').models.keys()].sort(),
    ).toEqual(['1.10', 'null', 'true']);
  });

  it.each(['localhost', '127.8.9.1', '::1', "'[::1]'", '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])(
    'needs no key for loopback: %s',
    (host) => {
      expect(errorsOf(`server: { host: "${host.replaceAll("'", '')}" }`)).toEqual([]);
    },
  );

  it('opens other addresses with a key, and keeps keys with their lanes', () => {
    const { server } = valid(
      'server: { host: 0.0.0.0, apiKeys: [{ name: a, key: "${env.TOKEN}", priority: 5, models: [x] }] }',
    );
    expect(server.apiKeys).toEqual([
      { name: 'a', key: 's3cret', priority: 5, concurrency: undefined, models: ['x'], hasWaitingComments: true },
    ]);
  });

  it('warns of every setting that has no effect yet, where it stands', () => {
    const result = parse('telemetry: { capture: true }\nscheduler: { defaultModel: a }\nmodels: { a: { file: x } }\n');
    expect(result.ok && result.warnings.map(({ path, line }) => [path, line])).toEqual([
      ['telemetry.capture', 1],
      ['scheduler.defaultModel', 2],
    ]);
    expect(result.ok && result.warnings[0]?.message).toContain(
      '"capture" is understood, but this version does not act on it yet',
    );
  });
});
