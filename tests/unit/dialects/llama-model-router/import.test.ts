import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { interpretConfig } from '../../../../electron/engine/config/interpret-config.ts';
import { readYaml } from '../../../../electron/engine/config/read-yaml.ts';
import type { ForeignResult } from '../../../../electron/engine/dialects/foreign-format.ts';
import { llamaModelRouterFormat } from '../../../../electron/engine/dialects/llama-model-router/import.ts';

const example = await readFile(
  new URL('../../../fixtures/seeds/examples/llama-model-router.yaml', import.meta.url),
  'utf8',
);

const surroundings = { env: {}, homeFolder: '/home/u', platform: 'linux' as const };

async function read(text: string): Promise<ForeignResult> {
  const yaml = readYaml(text);
  const source = {
    fileName: '/etc/pools.yaml',
    text,
    value: yaml.ok ? yaml.value : undefined,
    syntaxErrors: yaml.ok ? [] : yaml.issues,
  };
  return await llamaModelRouterFormat.read(source, surroundings);
}

async function nativeOf(text: string): Promise<Readonly<Record<string, unknown>>> {
  const result = await read(text);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.native;
}

const interpret = (text: string) =>
  interpretConfig({ ...surroundings, text, filePath: '/etc/pools.yaml', format: undefined });

describe('the pools.yaml of llama-model-router', () => {
  it('R2.2 becomes pools of Corral, in their order, sticky by user', async () => {
    expect(await nativeOf(example)).toEqual({
      pools: {
        'default-pool': {
          endpoints: [{ url: 'http://localhost:9001', models: ['llama3-8b-instruct'] }],
          sticky: 'user',
          wildcard: 'any',
        },
        'dynamic-pool': {
          endpoints: [
            { url: 'http://localhost:9101', models: ['*'] },
            { url: 'http://localhost:9101', models: ['*'] },
          ],
          sticky: 'user',
          wildcard: 'any',
        },
      },
      listeners: [{ dialect: 'llama-model-router', host: '0.0.0.0', port: 9090 }],
    });
  });

  it('is told from a native file, and asks an address that is written twice once', async () => {
    const result = await interpret(example);
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    expect(result.config.foreign?.format).toBe('llama-model-router');
    expect([...result.config.pools].map(([name, { endpoints }]) => [name, endpoints.length])).toEqual([
      ['default-pool', 1],
      ['dynamic-pool', 1],
    ]);
    expect(result.config.listeners).toMatchObject([{ dialect: 'llama-model-router', port: 9090 }]);
    const native = await interpret('pools: { lab: { endpoints: [{ url: "http://x" }] } }');
    expect(native.ok && native.config.foreign).toBeUndefined();
  });

  it('says of every key what became of it', async () => {
    const result = await read(
      `pools: [{ name: a, endpoints: [http://x], models: [m] }, { name: a, endpoints: [http://y], models: [n] }]`,
    );
    expect(result.ok && result.report.map(({ path, outcome }) => [path, outcome])).toEqual([
      ['pools[0].name', 'mapped'],
      ['pools[0].endpoints[0]', 'mapped'],
      ['pools[0].models', 'mapped'],
      ['pools[1].name', 'approximated'],
      ['pools[1].endpoints[0]', 'mapped'],
      ['pools[1].models', 'mapped'],
    ]);
    expect(result.ok && Object.keys(result.native['pools'] as object)).toEqual(['a', 'a-2']);
  });

  it('leaves out a pool that answers for nothing, and says so', async () => {
    const result = await read(
      'pools: [{ name: idle, endpoints: [http://x] }, { endpoints: [http://y], models: ["${x}"] }]',
    );
    expect(result.ok && result.native['pools']).toMatchObject({ 'pool-2': { endpoints: [{ models: ['$${x}'] }] } });
    expect(result.ok && result.warnings?.map(({ path }) => path)).toEqual(['pools[0]']);
  });

  it('can be opened to other machines with a key', async () => {
    const native = await nativeOf(`server: { apiKeys: [{ name: phone, key: k }], port: 1 }\n${example}`);
    expect(native['server']).toEqual({ apiKeys: [{ name: 'phone', key: 'k' }] });
  });

  it.each([
    ['pools: []', 'pools', 'at least one pool'],
    ['pools: [{ name: a, models: [m] }]', 'pools[0].endpoints', ''],
    ['pools: [{ name: a, endpoints: [], models: [m] }]', 'pools[0].endpoints', 'at least one endpoint'],
    ['pools: [{ name: a, endpoints: [7], models: [m] }]', 'pools[0].endpoints[0]', ''],
    ['pools: [{ name: a, endpoints: ["ftp://x"], models: [m] }]', 'pools[0].endpoints[0]', 'http://'],
    ['pools: [{ name: a, endpoints: ["http://x"], models: m }]', 'pools[0].models', ''],
  ])('R2.1 finds what is wrong in %s, and where', async (text, path, message) => {
    const result = await interpret(text);
    expect(result.ok).toBe(false);
    const [first] = result.ok ? [] : result.errors;
    expect(first?.path).toBe(path);
    expect(first?.message).toContain(message);
  });
});
