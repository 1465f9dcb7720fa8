import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configInvalidError,
  formatConfigIssue,
  type ConfigIssue,
} from '../../../electron/engine/config/config-issue.ts';
import { loadConfig, MAX_CONFIG_BYTES, parseConfig } from '../../../electron/engine/config/load-config.ts';
import type { ResolvedConfig } from '../../../electron/engine/config/resolved-config.ts';

const surroundings = { env: { TOKEN: 's3cret', FILES: '/data' }, homeFolder: '/home/ann', platform: 'linux' } as const;

function parse(text: string, more: Partial<Parameters<typeof parseConfig>[0]> = {}): ReturnType<typeof parseConfig> {
  return parseConfig({ ...surroundings, text, filePath: '/etc/corral/config.yaml', ...more });
}

function valid(text: string, more: Partial<Parameters<typeof parseConfig>[0]> = {}): ResolvedConfig {
  const result = parse(text, more);
  if (!result.ok) throw new Error(result.errors.map(formatConfigIssue).join('\n'));
  return result.config;
}

function errorsOf(text: string): readonly ConfigIssue[] {
  const result = parse(text);
  return result.ok ? [] : result.errors;
}

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

  it('resolves pools, with each endpoint once and addresses without what every route has', () => {
    const { pools } = valid(`
defaults: { queue: { max: 7 } }
pools:
  lab:
    endpoints:
      - url: https://gpu.example.com/base/v1/
        apiKey: "\${env.TOKEN}"
        concurrency: 4
      - { url: "http://10.0.0.5:8000", models: [a] }
      - { url: "http://10.0.0.5:8000/v1", models: [b, a] }
    sticky: user
    health: { interval: 5s }
`);
    expect([...pools]).toEqual([
      [
        'lab',
        {
          endpoints: [
            { url: 'https://gpu.example.com/base', apiKey: 's3cret', models: ['*'], concurrency: 4 },
            { url: 'http://10.0.0.5:8000', apiKey: undefined, models: ['a', 'b'], concurrency: undefined },
          ],
          sticky: 'user',
          stickyTtlMs: 1_800_000,
          maxSticky: 10_000,
          wildcard: 'listed',
          queue: { max: 7, maxWaitMs: 300_000 },
          health: { path: '/health', intervalMs: 5000, timeoutMs: 5000 },
        },
      ],
    ]);
  });

  it('warns of an endpoint that is listed twice', () => {
    const result = parse('pools: { p: { endpoints: [{ url: "http://x" }, { url: "http://x/v1/" }] } }');
    expect(result.ok && result.warnings.map(formatConfigIssue)).toEqual([
      expect.stringMatching(/^pools\.p\.endpoints\[1\] .*is listed before; it is used once/) as string,
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

describe('parseConfig on mistakes', () => {
  it.each([
    ['endpoints: []', 'pools.p.endpoints', 'must have at least one endpoint'],
    ['{}', 'pools.p.endpoints', 'is missing'],
    ['endpoints: [{ url: "ftp://x" }]', 'pools.p.endpoints[0].url', 'http:// or https://'],
    ['endpoints: [{ url: "http://me:pw@x" }]', 'pools.p.endpoints[0].url', 'without a query or a password'],
    ['endpoints: [{ url: "http://x/?key=1" }]', 'pools.p.endpoints[0].url', 'without a query or a password'],
    ['endpoints: [{ url: "http://x", models: [] }]', 'pools.p.endpoints[0].models', 'at least one model'],
    ['endpoints: [{ url: "http://x", concurrency: 0 }]', 'pools.p.endpoints[0].concurrency', ''],
    ['endpoints: [{ url: "http://x" }], health: { path: health }', 'pools.p.health.path', 'starts with /'],
  ])('refuses a pool with %s', (written, path, message) => {
    const errors = errorsOf(`pools: { p: ${written === '{}' ? '{}' : `{ ${written} }`} }`);
    expect(errors.map((error) => error.path)).toEqual([path]);
    expect(errors[0]?.message).toContain(message);
  });

  it('refuses a pool with the name of a set', () => {
    const errors = errorsOf(
      'models: { a: { file: x } }\nsets: { s: { models: [a] } }\npools: { s: { endpoints: [{ url: "http://x" }] } }',
    );
    expect(errors.map(({ path }) => path)).toEqual(['pools.s']);
  });

  it('lists all five of five mistakes, in the order of the file, with places', () => {
    const errors = errorsOf(`server:
  port: 70000
  hots: localhost
defaults:
  ttl: 30
models:
  one: { file: a.gguf, contxtSize: 5 }
  two: {}
`);
    expect(errors.map(formatConfigIssue)).toEqual([
      'server.port (line 2, column 3): must be at most 65535',
      'server.hots (line 3, column 3): unknown key; did you mean `host`?',
      'defaults.ttl (line 5, column 3): must be a duration with its unit, such as 30s, 10m or 1h30m, or 0',
      'models.one.contxtSize (line 7, column 24): unknown key; did you mean `contextSize`?',
      'models.two (line 8, column 3): needs a `file` (a GGUF file) or a `command` to run',
    ]);
  });

  it.each([
    ['- a', '', /must be a group of keys, but is a list/],
    ['server: 5', 'server', /must be a group of keys, but is a number/],
    ['zzz: 1', 'zzz', /unknown key; known here: .*server, engine/],
    ['server: { port: "5526" }', 'server.port', /must be a number, but is text/],
    ['server: { port: 1.5 }', 'server.port', /whole number|int/],
    ['server: { host: 0.0.0.0 }', 'server.host', /add a key to `server.apiKeys`/],
    ['server: { host: "::" }', 'server.host', /add a key/],
    ['server: { host: box.lan }', 'server.host', /add a key/],
    ['listeners: [{ dialect: ollama, host: 0.0.0.0, port: 11434 }]', 'listeners[0].host', /add a key/],
    ['listeners: [{ dialect: ollama, port: 5526 }]', 'listeners[0].port', /same port as server\.port \(its default\)/],
    ['{ server: { port: 81 }, listeners: [{ dialect: ollama, port: 81 }] }', 'listeners[0].port', /as server\.port;/],
    [
      'listeners: [{ dialect: ollama, port: 81 }, { dialect: native, port: 81 }]',
      'listeners[1].port',
      /same port as listeners\[0\]\.port/,
    ],
    ['listeners: [{ dialect: olama, port: 81 }]', 'listeners[0].dialect', /one of native, ollama/],
    ['listeners: [{ dialect: native, port: 81, options: { x: 1 } }]', 'listeners[0].options.x', /have no options/],
    [
      'listeners: [{ dialect: llama_cpp_router, port: 81, options: { ownr: x } }]',
      'listeners[0].options.ownr',
      /did you mean `owner`/,
    ],
    [
      'listeners: [{ dialect: llama_cpp_router, port: 81, options: { owner: 1 } }]',
      'listeners[0].options.owner',
      /must be text/,
    ],
    ['server: { host: "http://x", apiKeys: [{ name: a, key: k }] }', 'server.host', /must be an IP address/],
    ['server: { host: 999.1.1.1, apiKeys: [{ name: a, key: k }] }', 'server.host', /must be an IP address/],
    ['server: { allowedOrigins: ["*"] }', 'server.allowedOrigins[0]', /one origin/],
    ['server: { allowedOrigins: ["https://a.example/"] }', 'server.allowedOrigins[0]', /without a path/],
    ['server: { maxBodyBytes: 5 }', 'server.maxBodyBytes', /at least 1KiB/],
    [
      'server: { apiKeys: [{ name: a, key: k }, { name: a, key: l }] }',
      'server.apiKeys[1].name',
      /another key has this/,
    ],
    ['server: { apiKeys: [{ name: a, key: k }, { name: b, key: k }] }', 'server.apiKeys[1].key', /same as another/],
    ['server: { adminToken: k, apiKeys: [{ name: a, key: k }] }', 'server.apiKeys[0].key', /same as `adminToken`/],
    ['server: { apiKeys: [{ name: a }] }', 'server.apiKeys[0].key', /missing or empty/],
    ['server: { apiKeys: [{ name: a, key: 123 }] }', 'server.apiKeys[0].key', /put quotes around it/],
    ['memory: { maxLoaded: 0 }', 'memory.maxLoaded', /at least 1/],
    ['memory: { policy: lru }', 'memory.policy', /one of evict-lru, reject/],
    ['memory: { reserve: 1G }', 'memory.reserve', /must be a size with its unit/],
    ['models: { a: 5 }', 'models.a', /must be a group of keys/],
    ['models: { a: }', 'models.a', /needs a `file`|missing/],
    ['models: { a: { file: x, command: y } }', 'models.a.command', /either `file` or `command`/],
    ['models: { a: { file: x, health: /h } }', 'models.a.health', /only for models with `command`/],
    ['models: { a: { command: x, mmproj: y } }', 'models.a.mmproj', /only for models with `file`/],
    ['models: { a: { command: "" } }', 'models.a.command', /must name a program/],
    ['models: { a: { command: [""] } }', 'models.a.command', /must name a program/],
    ['models: { a: { command: true } }', 'models.a.command', /a list of words, or one string/],
    ["models: { a: { command: 'x \"y' } }", 'models.a.command', /never closed/],
    ['models: { a: { command: "x ${PROT}" } }', 'models.a.command', /known here: \$\{PORT\}/],
    ['models: { a: { command: "x ${PID}" } }', 'models.a.command', /unknown \$\{PID\}/],
    ['models: { a: { command: x, health: h } }', 'models.a.health', /starts with \//],
    ['models: { a: { command: x, readyPattern: "(" } }', 'models.a.readyPattern', /regular expression/],
    ['models: { a: { file: "${env.NOPE}/x" } }', 'models.a.file', /NOPE, which is not set/],
    ['server: { port: "${env.NOPE}" }', 'server.port', /NOPE, which is not set/],
    ['models: { a: { file: x, aliases: [b] }, b: { file: y } }', 'models.a.aliases[0]', /id of another model/],
    ['models: { a: { file: x, aliases: [c] }, b: { file: y, aliases: [c] } }', 'models.b.aliases[0]', /alias of "a"/],
    ['models: { "": { file: x } }', 'models[""]', /must not be empty/],
    ['models: { "a\\nb": { file: x } }', 'models["a\\nb"]', /control characters/],
    [`models: { ${'x'.repeat(301)}: { file: x } }`, `models.${'x'.repeat(301)}`, /longer than 300/],
    ['models: { __proto__: { file: x } }', 'models.__proto__', /cannot be used/],
    ['models: { a: { file: x, queue: { maxWait: 0 } } }', 'models.a.queue.maxWait', /longer than 0/],
    ['models: { a: { file: x, gpuLayers: most } }', 'models.a.gpuLayers', /a number of layers, auto or all/],
    ['models: { "a.b": { file: x, ttl: 5 } }', 'models["a.b"].ttl', /duration/],
    ['models: { a: { file: x, env: { A: true } } }', 'models.a.env.A', /put quotes around/],
    ['pools: { p: { endpoints: [{ url: ftp://x }] } }', 'pools.p.endpoints[0].url', /http/],
  ])('%s', (text, path, message) => {
    const errors = errorsOf(text);
    expect(errors.map((error) => error.path)).toEqual([path]);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.message).not.toMatch(/invalid union|invalid input/i);
  });

  it.each([
    ['a: [1, 2', /not closed/, 1],
    ['server:\n\tport: 1', /tabs/, 2],
    ['server: {}\nserver: {}', /twice/, 2],
    ['models:\n  a: { file: x, file: y }', /twice/, 2],
    ['a: *nowhere', /anchor/, 1],
    ['a: !secret b', /tags/, 1],
    ['a: 1\n---\nb: 2', /one document/, 2],
    ['a: &x [*x]', /a part of/, 1],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: &d [${'*c,'.repeat(9)}]`,
      /too many aliases/,
      2,
    ],
  ])('reports the place of bad YAML: %j', (text, message, line) => {
    const errors = errorsOf(text);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.line).toBe(line);
    expect(errors[0]?.column).toBeGreaterThan(0);
  });

  it('survives brackets without an end', () => {
    expect(errorsOf('['.repeat(100_000))).not.toEqual([]);
  });

  it('never repeats a value', () => {
    const secret = 'hunter2-hunter2';
    const texts = [
      `server: { adminToken: "${secret} x", apiKeys: [{ name: a, key: "${secret} y" }], port: ${secret} }`,
      `server: { apiKeys: ${secret} }`,
      `server: { apiKeys: *${secret} }`,
      `server: { apiKeys: [{ name: a, key: "${secret}`,
      `server: { adminToken: "\\${secret}" }`,
      `server: { adminToken: !${secret} x }`,
      `models: { a: { command: "x '${secret}", ttl: ${secret}, readyPattern: "(${secret}" } }`,
      `pools: { p: { endpoints: [{ url: ${secret}, apiKey: "${secret} " }] } }`,
    ];
    for (const text of texts) {
      const errors = errorsOf(text);
      expect(errors.length).toBeGreaterThan(0);
      expect(JSON.stringify(errors)).not.toContain(secret);
    }
  });

  it('returns a result for any text', () => {
    const fragment = fc.constantFrom(
      'server',
      'models',
      'a',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '*a',
      '&a ',
      '${',
      '}',
      '"',
      "'",
      '0',
      'file',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const result = parse(text);
          expect(result.ok || result.errors.length > 0).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('makes one error of all issues', () => {
    const error = configInvalidError('/c.yaml', errorsOf('a: 1\nb: 2'));
    expect(error.code).toBe('config-invalid');
    expect(error.message).toMatch(
      /^\/c\.yaml has 2 errors; .*\n {2}a \(line 1, column 1\): unknown key.*\n {2}b \(line 2/,
    );
  });
});

describe('loadConfig', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corral-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads a file', async () => {
    const filePath = join(folder, 'c.yaml');
    await writeFile(filePath, 'models: { a: { file: x.gguf } }');
    const result = await loadConfig({ ...surroundings, filePath, isExplicit: true });
    expect(result.ok && result.config.filePath).toBe(filePath);
    expect(result.ok && result.config.models.get('a')).toMatchObject({ file: join(folder, 'x.gguf') });
  });

  it.each(['', '\n', '\uFEFF\n'])(
    'takes the file %j as one without settings, but not in place of one in use',
    async (text) => {
      const filePath = join(folder, 'empty.yaml');
      await writeFile(filePath, text);
      expect(await loadConfig({ ...surroundings, filePath, isExplicit: true })).toMatchObject({ ok: true });
      expect(await loadConfig({ ...surroundings, filePath, isExplicit: true, isInUse: true })).toMatchObject({
        ok: false,
        errors: [{ path: '', message: expect.stringContaining('empty') as string }],
      });
    },
  );

  it('takes the defaults if there is no file, but not if one was named', async () => {
    const filePath = join(folder, 'missing.yaml');
    const result = await loadConfig({ ...surroundings, filePath, isExplicit: false });
    expect(result.ok && result.config).toMatchObject({ filePath: undefined, server: { port: 5526 } });
    await expect(loadConfig({ ...surroundings, filePath, isExplicit: true })).resolves.toEqual({
      ok: false,
      errors: [{ path: '', message: expect.stringContaining('does not exist') as string }],
    });
  });

  it.each([
    ['too large', Buffer.alloc(MAX_CONFIG_BYTES + 1, '#'), /larger than 4 MiB/],
    ['not UTF-8', Buffer.from([0x61, 0xff, 0xfe]), /UTF-8/],
  ])('refuses a file that is %s', async (name, data, message) => {
    const filePath = join(folder, `${name}.yaml`);
    await writeFile(filePath, data);
    const result = await loadConfig({ ...surroundings, filePath, isExplicit: false });
    expect(result.ok ? '' : result.errors[0]?.message).toMatch(message);
  });

  it('refuses a folder', async () => {
    const result = await loadConfig({ ...surroundings, filePath: folder, isExplicit: false });
    expect(result.ok ? '' : result.errors[0]?.message).toMatch(/is a folder/);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const filePath = join(folder, 'c.yaml');
    await expect(loadConfig({ ...surroundings, filePath, isExplicit: true, signal })).rejects.toThrow('enough');
  });
});

describe('parseConfig on names that mean something else', () => {
  it.each([
    ['models: { corral: { file: a } }', 'models.corral', /reserved/],
    ['models: { a: { file: a } }\nsets: { s: { models: [a, b] } }', 'sets.s.models[1]', /not the id of a model/],
    ['models: { a: { file: a } }\nsets: { a: { models: [a] } }', 'sets.a', /also the id of a model/],
  ])('%j', (text, path, message) => {
    const errors = errorsOf(text);
    expect(errors.map((error) => error.path)).toEqual([path]);
    expect(errors[0]?.message).toMatch(message);
  });
});
