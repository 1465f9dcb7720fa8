import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../../../electron/engine/config/load-config.ts';
import { readYaml } from '../../../../electron/engine/config/read-yaml.ts';
import type { CommandModelConfig, ResolvedConfig } from '../../../../electron/engine/config/resolved-config.ts';
import {
  importLlamaSwap,
  type ImportedDocument,
} from '../../../../electron/engine/dialects/llama-swap/import-document.ts';

const env = { SWAP_HOME: '/srv/swap home', SWAP_KEY: 'sk-from-env' };

async function fixture(name: string): Promise<string> {
  return await readFile(new URL(`../../../fixtures/seeds/${name}`, import.meta.url), 'utf8');
}

function importText(text: string, platform: NodeJS.Platform = 'linux'): ImportedDocument {
  const yaml = readYaml(text);
  if (!yaml.ok) throw new Error(JSON.stringify(yaml.issues));
  return importLlamaSwap(yaml.value, { env, platform });
}

function accepted(text: string): Extract<ImportedDocument, { ok: true }> {
  const result = importText(text);
  if (!result.ok) throw new Error(result.say);
  return result;
}

/** What the native configuration comes to, listeners left out. */
function resolved(text: string): ResolvedConfig {
  const native = { ...accepted(text).native, listeners: [] };
  const result = parseConfig({
    text: stringify(native),
    filePath: '/etc/swap/config.yaml',
    env,
    homeFolder: '/home/ann',
    platform: 'linux',
  });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

function command(config: ResolvedConfig, id: string): CommandModelConfig {
  const model = config.models.get(id);
  if (model?.kind !== 'command') throw new Error(`${id} is no command`);
  return model;
}

const errorsOf = (text: string): unknown => {
  const result = importText(text);
  return result.ok ? [] : result.errors;
};

describe('the early form: the README’s own example', () => {
  it('becomes a configuration that does the same', async () => {
    const text = await fixture('examples/llama-swap.yaml');
    const config = resolved(text);
    expect(config.memory.maxLoaded).toBe(1);
    expect(command(config, 'llama')).toMatchObject({
      command: ['llama-server', '--port', '8999', '-m', 'Llama-3.2-1B-Instruct-Q4_K_M.gguf'],
      proxy: 'http://127.0.0.1:8999',
      aliases: ['gpt-4o-mini', 'gpt-3.5-turbo'],
      health: '/custom-endpoint',
      ttlMs: 60_000,
      startTimeoutMs: 60_000,
      cwd: '/etc/swap',
    });
    expect(command(config, 'qwen')).toMatchObject({
      command: ['llama-server', '--port', '8999', '--model', 'path/to/Qwen2.5-1.5B-Instruct-Q4_K_M.gguf'],
      env: { CUDA_VISIBLE_DEVICES: '0' },
      health: '/health',
      ttlMs: 0,
    });
    expect(config.sets.get('coding')).toMatchObject({ models: ['qwen', 'llama'], load: 'together', isByName: true });
    expect(accepted(text).native['listeners']).toEqual([
      { dialect: 'llama-swap', host: '0.0.0.0', port: 8080, options: {} },
    ]);
    expect(accepted(text).report).toContainEqual({
      path: 'profiles.coding',
      outcome: 'approximated',
      note: expect.stringContaining('same address') as string,
      to: 'sets.coding',
    });
  });

  it.each([
    ['', 15_000],
    ['healthCheckTimeout: 3', 15_000],
    ['healthCheckTimeout: 16', 16_000],
    ['globalTTL: 0', 120_000],
  ])('waits for a model as long as that form does: %j', (line, startTimeoutMs) => {
    const config = resolved(`${line}\nmodels: { a: { cmd: serve, proxy: 'http://127.0.0.1:9000' } }`);
    expect(command(config, 'a').startTimeoutMs).toBe(startTimeoutMs);
  });

  it('keeps names with slashes, takes aliases in profiles, and drops members there are not', () => {
    const { native, report } = accepted(`
models:
  org/model: { cmd: serve --port 1, proxy: 'http://127.0.0.1:9001', aliases: [m] }
  b: { cmd: serve --port 2, proxy: 'http://127.0.0.1:9002' }
profiles:
  coding: [m, b, gone]
  b: [org/model]
`);
    expect(native['sets']).toEqual({
      coding: { models: ['org/model', 'b'], load: 'together', byName: true },
      'b (2)': { models: ['org/model'], load: 'together', byName: true },
    });
    expect(report).toContainEqual(expect.objectContaining({ path: 'profiles.coding[2]', outcome: 'dropped' }));
    expect(report).toContainEqual(expect.objectContaining({ path: 'profiles.b', outcome: 'approximated' }));
  });
});

describe('today’s form', () => {
  it('becomes a configuration that does the same', async () => {
    const config = resolved(await fixture('llama-swap-today.yaml'));
    expect(config.memory.maxLoaded).toBe(Number.POSITIVE_INFINITY);
    expect(config.log.level).toBe('warn');
    expect(config.telemetry.maxRecords).toBe(250);
    expect(config.server.apiKeys.map(({ name, key }) => [name, key])).toEqual([
      ['key 1', 'sk-plain'],
      ['key 2', 'sk-from-env'],
    ]);
    expect(command(config, 'gpt-oss')).toEqual({
      id: 'gpt-oss',
      kind: 'command',
      command: [
        '/opt/llama/llama-server',
        '--port',
        '10003',
        '--model',
        '/srv/swap home/models/gpt oss.gguf',
        '--ctx-size',
        '16384',
        '--jinja',
        '--temp',
        '0.7',
      ],
      stopCommand: undefined,
      proxy: 'http://localhost:10003',
      health: '/custom-endpoint',
      readyPattern: undefined,
      cwd: '/etc/swap',
      aliases: ['gpt-4o-mini', 'gpt-hidden', 'gpt-oss:high'],
      env: { CUDA_VISIBLE_DEVICES: '0,1', HOME_OF: '/srv/swap home' },
      concurrency: 3,
      queue: { max: 100, maxWaitMs: 300_000 },
      ttlMs: 30_000,
      startTimeoutMs: 500_000,
      stopGraceMs: 20_000,
      pinned: false,
      startup: false,
      priority: 0,
      isUnlisted: false,
      filters: {
        strip: ['temperature', 'top_k'],
        set: { top_p: 0.9, stop: null },
        setFor: { 'gpt-oss:high': { chat_template_kwargs: { reasoning_effort: 'high' } } },
        model: 'openai/gpt-oss',
      },
    });
    expect(command(config, 'fixed')).toMatchObject({ proxy: 'http://127.0.0.1:8999/base', health: 'none', ttlMs: 0 });
    expect(command(config, 'docker')).toMatchObject({
      command: ['docker', 'run', '--name', 'docker', '--rm', '-p', '10001:8080', 'image'],
      stopCommand: ['docker', 'stop', 'docker', '--pid', '${PID}'],
      proxy: 'http://127.0.0.1:10001',
      ttlMs: 900_000,
      stopGraceMs: 7000,
      isUnlisted: true,
      concurrency: undefined,
    });
    expect(command(config, 'embed')).toMatchObject({ startup: true, priority: 10 });
    expect([...config.sets]).toEqual([
      ['large', set({ models: ['gpt-oss'], isOneAtATime: true, evictsOthers: true })],
      ['small', set({ models: ['embed', 'fixed'], isPersistent: true })],
      ['no group', set({ models: ['docker', 'spare'], isOneAtATime: true, evictsOthers: true })],
    ]);
  });

  it('tells its own address what only that one shows', async () => {
    const { native } = accepted(await fixture('llama-swap-today.yaml'));
    expect(native['listeners']).toEqual([
      {
        dialect: 'llama-swap',
        host: '0.0.0.0',
        port: 8080,
        options: {
          includeAliasesInList: true,
          models: {
            'gpt-oss': {
              name: 'GPT OSS on 10003',
              description: 'Thinks',
              metadata: { port: 10003, temperature: 0.7, note: 'runs gpt-oss, ctx=16384', list: [1, 0.7] },
              unlistedAliases: ['gpt-hidden'],
              concurrencyLimit: 3,
              sendLoadingState: false,
            },
          },
        },
      },
    ]);
    expect(native['pools']).toEqual({
      lab: {
        endpoints: [{ url: 'http://192.168.1.23', apiKey: '${env.SWAP_KEY}', models: ['model_a', 'org/model_b'] }],
      },
    });
  });

  it('keeps a limit of requests, which on its own address refuses what is beyond it', () => {
    const { report } = accepted(
      "models: { a: { cmd: 'serve ${PORT}', concurrencyLimit: 3 }, b: { cmd: 'x ${PORT}', concurrencyLimit: 0 } }",
    );
    const limits = report.filter(({ path }) => path.endsWith('concurrencyLimit'));
    expect(limits).toEqual([
      {
        path: 'models.a.concurrencyLimit',
        outcome: 'mapped',
        note: expect.stringContaining('refused on the llama-swap address') as string,
        to: 'models.a.concurrency',
      },
      expect.objectContaining({ path: 'models.b.concurrencyLimit', outcome: 'approximated' }),
    ]);
  });

  it('says of every key what became of it', async () => {
    const text = await fixture('llama-swap-today.yaml');
    const { report } = accepted(text);
    const of = (outcome: string): string[] =>
      report.filter((entry) => entry.outcome === outcome).map(({ path }) => path);
    expect(of('dropped')).toEqual([
      'models.gpt-oss.env[2]',
      'models.gpt-oss.timeouts',
      'models.gpt-oss.capabilities',
      'profiles.coding',
      'groups.large.members[1]',
      'hooks.on_startup.preload[1]',
      'logTimeFormat',
      'logToStdout',
      'captureBuffer',
      'store',
      'ui',
      'performance',
      'peers.lab.filters',
      'peers.lab.timeouts',
    ]);
    const yaml = readYaml(text);
    const keys = Object.keys((yaml.ok ? yaml.value : {}) as Record<string, unknown>);
    const told = (key: string): boolean =>
      report.some(({ path }) => path === key || /^[.[]/.test(path.slice(key.length)));
    // These two are of no version of llama-swap.
    expect(keys.filter((key) => !report.some(({ path }) => path.startsWith(key) && told(key)))).toEqual([
      'common',
      'nonsense',
    ]);
  });

  it('leaves the port to each start where the file does not count ports itself', () => {
    const config = resolved(`
models:
  a: { cmd: 'serve --port \${PORT}' }
  b: { cmd: 'serve --port \${PORT}', proxy: 'http://localhost:\${PORT}' }
  c: { cmd: 'serve --port \${PORT}', proxy: 'http://localhost:\${PORT}/api', env: ['WHERE=\${PORT}'] }
  d: { cmd: 'serve --port \${PORT}', env: ['WHERE=\${PORT}'] }
`);
    expect(command(config, 'a')).toMatchObject({ command: ['serve', '--port', '${PORT}'], proxy: undefined });
    expect(command(config, 'b').proxy).toBeUndefined();
    expect(command(config, 'c')).toMatchObject({
      command: ['serve', '--port', '5800'],
      proxy: 'http://localhost:5800/api',
      env: { WHERE: '5800' },
    });
    expect(command(config, 'd').env).toEqual({ WHERE: '${PORT}' });
  });

  it('writes the matrix out', () => {
    const { native, report } = accepted(`
models: ${JSON.stringify(Object.fromEntries(['g', 'q', 'v', 'big', 'left'].map((id) => [`${id}-model`, { cmd: 'x ${PORT}' }])))}
matrix:
  vars: { g: g-model, q: q-model, v: v-model, L: big-model }
  evict_costs: { v: 50 }
  sets:
    standard: (g | q) & v
    more: +standard & L
`);
    expect(native['sets']).toEqual({
      standard: { models: ['g-model', 'v-model'], exclusive: true },
      'standard (2)': { models: ['q-model', 'v-model'], exclusive: true },
      more: { models: ['g-model', 'v-model', 'big-model'], exclusive: true },
      'more (2)': { models: ['q-model', 'v-model', 'big-model'], exclusive: true },
      alone: { models: ['left-model'], oneAtATime: true, exclusive: true },
    });
    expect(native['memory']).toBeUndefined();
    expect(report).toContainEqual(expect.objectContaining({ path: 'matrix.evict_costs', outcome: 'approximated' }));
  });

  it('reads groups and the matrix where routing has them', () => {
    const models = "models: { a: { cmd: 'x ${PORT}' } }";
    const groups = `${models}\nrouting: { router: { use: group, settings: { groups: { g: { swap: false, members: [a] } } } } }`;
    expect(accepted(groups).native['sets']).toEqual({ g: { models: ['a'], evictsOthers: true } });
    const matrix = `${models}\nrouting: { router: { use: matrix, settings: { matrix: { sets: { s: a } } } } }`;
    expect(accepted(matrix).native['sets']).toEqual({ s: { models: ['a'], exclusive: true } });
  });

  it('keeps a backslash of a Windows path', () => {
    const result = importText('models: { a: { cmd: "C:\\\\llama\\\\server.exe --port ${PORT}" } }', 'win32');
    expect(result.ok && (result.native['models'] as Record<string, unknown>)['a']).toEqual({
      command: ['C:\\llama\\server.exe', '--port', '${PORT}'],
    });
  });
});

describe('mistakes in a file', () => {
  it.each<[string, unknown]>([
    [
      'models: { a: { proxy: x } }',
      [{ path: 'models.a.cmd', message: expect.stringContaining('must be given') as string }],
    ],
    ['models: { a: { cmd: "  " } }', [{ path: 'models.a.cmd', message: 'must not be empty' }]],
    ['models: [1]', [{ path: 'models', message: expect.any(String) as string }]],
    [
      'models: { a: { cmd: "x ${nothing} ${env.UNSET}" } }',
      [
        { path: 'models.a.cmd', message: 'has an unknown macro ${nothing}' },
        { path: 'models.a.cmd', message: 'needs the environment variable UNSET, which is not set' },
        { path: 'models.a.proxy', message: expect.stringContaining('must be given') as string },
      ],
    ],
    [
      'macros: { m: "${n}", n: "${m}" }\nmodels: { a: { cmd: "x ${PORT} ${m}" } }',
      [{ path: 'models.a.cmd', message: 'uses a macro that refers to itself, ${m}' }],
    ],
    [
      "models: { a: { cmd: \"x 'y\", proxy: 'https://h:1', ttl: soon } }",
      [
        { path: 'models.a.cmd', message: expect.stringContaining('never closed') as string },
        { path: 'models.a.proxy', message: expect.stringContaining('address') as string },
        { path: 'models.a.ttl', message: 'must be a whole number, -1 or more' },
      ],
    ],
    [
      "models: { a: { cmd: 'x ${PORT}' } }\nmatrix: { sets: { s: 'a & (b' } }",
      [{ path: 'matrix.sets.s', message: 'has a ( that is never closed' }],
    ],
    [
      "models: { a: { cmd: 'x ${PORT}' } }\nmatrix: { sets: { s: a } }\ngroups: { g: { members: [a] } }",
      [{ path: 'matrix', message: 'cannot stand beside `groups`; keep one of them' }],
    ],
  ])('%s', (text, errors) => {
    expect(errorsOf(text)).toEqual(errors);
    const result = importText(text);
    expect(result.ok ? '' : result.say).toMatch(/^Error loading config: /);
  });
});

function set(changes: Record<string, unknown>): Record<string, unknown> {
  const plain = { isExclusive: false, evictsOthers: false, isOneAtATime: false, isPersistent: false, isByName: false };
  return { load: 'on-demand', ...plain, ...changes };
}
