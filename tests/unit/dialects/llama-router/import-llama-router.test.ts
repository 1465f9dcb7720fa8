import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../../../electron/engine/config/load-config.ts';
import type { CommandModelConfig, ResolvedConfig } from '../../../../electron/engine/config/resolved-config.ts';
import type { ForeignResult } from '../../../../electron/engine/dialects/foreign-format.ts';
import {
  importRouterFile,
  programsOf,
  type RouterSurroundings,
} from '../../../../electron/engine/dialects/llama-router/import-llama-router.ts';
import { newRouterFile } from '../../../../electron/engine/dialects/llama-router/router-file.ts';

const onPath: RouterSurroundings = {
  homeFolder: '/home/user',
  isWindows: false,
  programs: new Map([['llama-server', { kind: 'path' }]]),
};

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/seeds/${name}`, import.meta.url), 'utf8'));
}

type Imported = ForeignResult & { ok: true };

function importOf(document: unknown, surroundings = onPath): Imported {
  const result = importRouterFile(document, surroundings);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result;
}

/** What the engine makes of it, so that every key that an import writes is one that the schema knows. */
function resolved(document: unknown, surroundings = onPath): ResolvedConfig {
  const { native } = importOf(document, surroundings);
  const text = stringify(native);
  const result = parseConfig({ text, filePath: '/c/x.yaml', env: {}, homeFolder: '/home/user', platform: 'linux' });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

function errorsOf(document: unknown): string[] {
  const result = importRouterFile(document, onPath);
  return result.ok ? [] : result.errors.map(({ path, message }) => `${path}: ${message}`);
}

const small = (models: unknown[], more: Record<string, unknown> = {}): unknown => ({ models, ...more });
const plain = { name: 'a', path: '/m/a.gguf' };

describe('the configuration of the README', () => {
  it('runs its model by the spawn command with model, port and host appended', () => {
    const config = resolved(fixture('examples/llama-router.json'));
    const model = config.models.get('Qwen3-8B-Q4_K_M.gguf') as CommandModelConfig;
    expect(model.command).toEqual([
      'llama-server',
      ...['--ctx-size', '4096', '--n-gpu-layers', '99'],
      ...['--model', '/home/user/.cache/huggingface/hub/models--bartowski--Qwen3-8B-GGUF/...'],
      ...['--port', '${PORT}', '--host', '127.0.0.1'],
    ]);
    expect(model.health).toBe('/health');
    expect(model.firstPort).toBe(50_000);
    expect(model.ttlMs, 'it never unloads for being idle').toBe(0);
  });

  it('listens where the file says, with its timeouts', () => {
    const { native } = importOf(fixture('examples/llama-router.json'));
    expect(native['listeners']).toEqual([
      {
        dialect: 'llama-router',
        host: '127.0.0.1',
        port: 8082,
        options: {
          notifyModelSwap: false,
          models: {
            'Qwen3-8B-Q4_K_M.gguf': { group: '', proxyEndpoints: ['/v1/', '/health', '/slots', '/props'] },
          },
        },
      },
    ]);
    const { timeouts } = resolved(fixture('examples/llama-router.json')).server;
    expect(timeouts).toMatchObject({ connectMs: 5000, responseMs: 600_000, idleMs: 600_000 });
  });

  it('tells what became of every key', () => {
    const outcomes = new Map(
      importOf(fixture('examples/llama-router.json')).report.map((entry) => [entry.path, entry.outcome]),
    );
    expect(Object.fromEntries(outcomes)).toEqual({
      'router.host': 'mapped',
      'router.port': 'mapped',
      'router.base_port': 'mapped',
      'router.connection_timeout_s': 'mapped',
      'router.read_timeout_s': 'mapped',
      'router.admin_token': 'approximated',
      version: 'mapped',
      default_spawn: 'mapped',
      'models[0].name': 'mapped',
      'models[0].path': 'mapped',
      'models[0].state': 'mapped',
      'models[0].group': 'mapped',
    });
  });

  it('is what the first run writes, without the model', () => {
    expect(newRouterFile()).toEqual({ ...(fixture('examples/llama-router.json') as object), models: [] });
  });

  it('overrides the spawn of one model', () => {
    const model = fixture('llama-router/readme-spawn-override.json') as { name: string };
    const config = resolved(small([model]));
    expect((config.models.get(model.name) as CommandModelConfig).command.slice(0, 7)).toEqual([
      ...['llama-server', '--ctx-size', '8192', '--n-gpu-layers', '99'],
      ...['--mmproj', '/path/to/mmproj-model-f16.gguf'],
    ]);
    expect(importOf(small([model])).native['listeners']).toMatchObject([
      { options: { models: { [model.name]: { proxyEndpoints: ['/v1/', '/health'] } } } },
    ]);
  });

  it('lets members of one group share the one place', () => {
    const config = resolved(fixture('llama-router/readme-groups.json'));
    expect(config.memory.maxLoaded).toBe(1);
    expect([...config.sets]).toMatchObject([
      ['8b-models', { models: ['qwen3-8b-q4', 'qwen3-8b-q8'], load: 'on-demand', isExclusive: false }],
    ]);
  });
});

describe('options', () => {
  it('takes the defaults of the table for what is not written', () => {
    const { native } = importOf({ models: [] });
    expect(native['listeners']).toMatchObject([{ host: '127.0.0.1', port: 8082 }]);
    expect(native['server']).toEqual({ timeouts: { connect: '5000ms', response: '600000ms', idle: '600000ms' } });
  });

  it('R1.12 gives a backend ten seconds to answer, and one that loads the minute its program waits', () => {
    expect(importOf({ models: [] }).native['defaults']).toMatchObject({
      answerTimeout: '10000ms',
      startTimeout: '60000ms',
    });
    expect(importOf({ router: { ready_timeout_s: 90 }, models: [] }).native['defaults']).toMatchObject({
      answerTimeout: '90000ms',
      startTimeout: '90000ms',
    });
  });

  it('hands the admin token to the listener alone', () => {
    const { native } = importOf({ router: { admin_token: 's3cret${x}' }, models: [] });
    expect(native['listeners']).toMatchObject([{ options: { adminToken: 's3cret$${x}' } }]);
    expect(JSON.stringify(native['server'])).not.toContain('s3cret');
  });

  it('loads the startup model, and tells of one that does not exist', () => {
    expect(resolved(small([plain], { router: { startup_model: 'a' } })).models.get('a')?.startup).toBe(true);
    const { report } = importOf(small([plain], { startup_model: 'b' }));
    expect(report).toContainEqual(expect.objectContaining({ path: 'startup_model', outcome: 'dropped' }));
  });

  it('says in streams what is loaded, where that is wanted', () => {
    const { native } = importOf({ router: { notify_model_swap: true }, models: [] });
    expect(native['listeners']).toMatchObject([{ options: { notifyModelSwap: true } }]);
  });

  it('drops keys that llama-router does not know, and says so', () => {
    const { report } = importOf({ theme: 1, router: { colour: 'red' }, models: [{ ...plain, tags: [] }] });
    const dropped = report.filter(({ outcome }) => outcome === 'dropped').map(({ path }) => path);
    expect(dropped).toEqual(['theme', 'router.colour', 'models[0].tags']);
  });
});

describe('models', () => {
  it('reads the spawn of older files, which is the command alone', () => {
    const config = resolved({
      default_spawn: ['/opt/llama-server', '-c', 512],
      models: [plain, { ...plain, name: 'b', spawn: ['other', '--x'] }],
    });
    expect((config.models.get('a') as CommandModelConfig).command.slice(0, 3)).toEqual([
      '/opt/llama-server',
      '-c',
      '512',
    ]);
    expect((config.models.get('b') as CommandModelConfig).command.slice(0, 2)).toEqual(['other', '--x']);
  });

  it('expands ~/ and takes ${…} as it is written', () => {
    const config = resolved(small([{ name: 'a ${x}', path: '~/models/${PORT}.gguf' }]));
    expect((config.models.get('a ${x}') as CommandModelConfig).command).toContain('/home/user/models/$${PORT}.gguf');
  });

  it('prefers the program beside Corral', () => {
    const programs: RouterSurroundings['programs'] = new Map([
      ['llama-server', { kind: 'beside', path: '/opt/corral/llama-server' }],
    ]);
    const config = resolved(small([plain]), { ...onPath, programs });
    expect((config.models.get('a') as CommandModelConfig).command[0]).toBe('/opt/corral/llama-server');
  });

  it("runs on Corral's own llama-server where none is found", () => {
    const config = resolved(small([plain]), { ...onPath, programs: new Map() });
    expect(config.models.get('a')).toMatchObject({
      kind: 'file',
      file: '/m/a.gguf',
      args: ['--ctx-size', '4096', '--n-gpu-layers', '99'],
    });
  });

  it('asks for the programs that have no folder', () => {
    const models = [plain, { ...plain, name: 'b', spawn: ['/x/y'] }, { ...plain, name: 'c', spawn: ['vllm'] }];
    expect(programsOf(small(models))).toEqual(['llama-server', 'vllm']);
  });

  it('takes the first of two models of one name', () => {
    const { native, report } = importOf(small([plain, { ...plain, path: '/m/b.gguf' }]));
    expect(JSON.stringify(native['models'])).toContain('/m/a.gguf');
    expect(report).toContainEqual(expect.objectContaining({ path: 'models[1]', outcome: 'dropped' }));
  });

  it('gives a group another name where a model has its name', () => {
    const models = [
      { ...plain, name: 'g' },
      { ...plain, name: 'b', group: 'g' },
    ];
    expect([...resolved(small(models)).sets.keys()]).toEqual(['group g']);
  });
});

describe('mistakes', () => {
  it.each([
    [{ router: { port: 'x' } }, /^router\.port: must be/],
    [{ router: { port: 70_000 } }, /^router\.port: must be at most 65535/],
    [{ router: { base_port: 0 } }, /^router\.base_port: must be at least 1/],
    [{ router: { connection_timeout_s: -1 } }, /^router\.connection_timeout_s: must be at least 0/],
    [{ router: { read_timeout_s: '600' } }, /^router\.read_timeout_s: must be/],
    [{ router: { admin_token: 'two words' } }, /^router\.admin_token: may only contain/],
    [{ router: [] }, /^router: must be/],
    [{ default_spawn: [] }, /^default_spawn\.command: must name a program/],
    [{ default_spawn: { proxy_endpoints: ['v1'] } }, /^default_spawn\.proxy_endpoints\[0\]: must start with \//],
    [{ default_spawn: { health_endpoint: 'health' } }, /^default_spawn\.health_endpoint: must start with \//],
    [{ models: {} }, /^models: must be/],
    [{ models: [{ path: '/a' }] }, /^models\[0\]\.name: must be given/],
    [{ models: [{ name: 'a' }] }, /^models\[0\]\.path: must be given/],
    [{ models: [{ ...plain, state: 'maybe' }] }, /^models\[0\]\.state: must be one of auto, manual/],
  ])('%j is said with its path', (document, expected) => {
    expect(errorsOf(document)).toEqual([expect.stringMatching(expected)]);
  });

  it('are all told at once', () => {
    expect(errorsOf({ router: { port: -1 }, models: [{}] })).toHaveLength(3);
  });
});
