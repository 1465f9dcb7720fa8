import { existsSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { commandNames } from '#shared/contract/commands.ts';
import { inferenceRoutes } from '../../../electron/engine/proxy/routes.ts';
import { createTestFolder, eventually, fakeModel, startCorral, type TestCorral } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

const CLIENT_KEY = 'client-key-1';
const ADMIN_TOKEN = 'admin-token-2';

let corral: TestCorral | undefined;
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
});

const server = { apiKeys: [{ name: 'laptop', key: CLIENT_KEY }], adminToken: ADMIN_TOKEN };

/** Every path there is, and those that other programs of the kind have; `loaded` and `off` are the models. */
const paths = ['loaded', 'off', 'none'].flatMap((model) => {
  const inference = inferenceRoutes.map((route) => route.path.replace(':slot', '0'));
  return [
    ...inference.map((each) => `${each}?model=${model}`),
    ...inference.map((each) => `/upstream/${model}${each}`),
    ...commandNames.map((name) => `/control/commands/${name}?model=${model}&mode=now&request=r1`),
    `/v1/models/${model}`,
    `/upstream/${model}`,
    `/upstream/${model}/health`,
    ...['/', '/health', '/v1/models', '/models', '/metrics', '/ui/', '/control', '/control/', '/control/events'],
    ...['/api/tags', '/api/ps', '/running', '/unload', '/logs', '/admin', '/config', '/quit', '/shutdown'],
    ...['/load', '/models/load', '/models/unload', '/eject', '/start', '/stop'].map((each) => `${each}?model=${model}`),
    `/unload/${model}`,
    `/models/unload/${model}`,
  ];
});

describe('GET', () => {
  it('X3 changes no state at any path there is, whoever asks, and loads nothing for a page of another site', async () => {
    const running = await startCorral({
      server,
      memory: { maxLoaded: 2 },
      models: { loaded: fakeModel(), off: fakeModel() },
    });
    corral = running;
    await running.bridge.call('load-model', { model: 'loaded' });
    // What one of them took is known of the other, too: they are started alike.
    await eventually('all is known of it', () =>
      running.engine.snapshot().models.every(({ state, contextSize, needHistory }) => {
        return needHistory !== null && (state !== 'ready' || contextSize !== null);
      }),
    );
    const configFile = path.join(running.folder.path, 'config.yaml');
    const state = async (): Promise<unknown> => ({
      // What is free, on the machine and for models, changes by itself.
      snapshot: { ...running.engine.snapshot(), sequence: 0, memory: undefined },
      processes: (await running.folder.liveProcesses()).map(({ pid }) => pid).sort(),
      config: await readFile(configFile, 'utf8'),
    });
    await running.bridge.call('get-snapshot', {});
    const before = await state();
    const askers: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${CLIENT_KEY}` },
      { authorization: `Bearer ${ADMIN_TOKEN}` },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ];
    const requests = askers.flatMap((headers) =>
      paths.flatMap((target) => ['GET', 'HEAD'].map((method) => ({ headers, target, method }))),
    );
    expect(requests.length).toBeGreaterThan(1000);
    const ask = async (): Promise<void> => {
      for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
        const { headers, target, method } = next;
        const response = await fetch(`${running.address}${target}`, { method, headers });
        expect(response.status, `${method} ${target}`).not.toBe(500);
        // The stream of events has no end; for all of them it is enough that they have begun to answer.
        await response.body?.cancel();
      }
    };
    await Promise.all(Array.from({ length: 16 }, ask));
    // The one GET that may load a model has to say so itself, and a page of another site cannot make a browser send it.
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site };
      const response = await fetch(`${running.address}/upstream/off/health?corral-start=1`, { headers });
      expect(response.status).toBe(503);
      await response.body?.cancel();
    }
    expect(await state()).toEqual(before);
  });
});

describe('HTTP', () => {
  const requests = scaled({ short: 250, long: 20_000 });

  it(`X4 ${requests} requests full of commands, environments and addresses run none of them ${form}`, async () => {
    const folder = await createTestFolder();
    const witness = path.join(folder.path, 'witness');
    const canary = await folder.write('canary.sh', `#!/bin/sh\ntouch ${witness}\n`);
    await chmod(canary, 0o755);
    let hits = 0;
    const trap = http.createServer((_request, response) => {
      hits += 1;
      response.end('{}');
    });
    trap.listen(0, '127.0.0.1');
    await once(trap, 'listening');
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/canary`;

    const running = await startCorral(
      {
        server,
        memory: { maxLoaded: 2 },
        models: { one: fakeModel({ name: 'one' }), two: fakeModel({ name: 'two' }) },
      },
      { folder },
    );
    corral = running;
    await running.chat('one');
    const commandLine = running.model('one').commandLine?.filter((argument) => !/^\d+$/.test(argument));

    const random = createSeededRandom(44);
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
    const keys = [
      ...['command', 'cmd', 'stopCommand', 'cmdStop', 'args', 'env', 'cwd', 'executable', 'path', 'engine', 'file'],
      ...['url', 'upstream', 'proxy', 'base_url', 'api_base', 'host', 'port', 'hf', 'model_path', 'models', 'model'],
      ...['defaults', 'config', 'server', 'health', 'readyPattern', 'filters', 'tools', 'lora', 'grammar', '__proto__'],
    ];
    const leaf = (): unknown =>
      pick<() => unknown>([
        () => canary,
        () => [canary],
        () => `sh -c ${canary}`,
        () => `$(${canary})`,
        () => url,
        () => ({ LD_PRELOAD: canary, NODE_OPTIONS: `--require ${canary}`, PATH: folder.path, HTTP_PROXY: url }),
        () => 'one',
        () => 'two',
      ])();
    const value = (depth: number): unknown =>
      depth === 0 || random() < 0.4
        ? leaf()
        : Object.fromEntries(
            Array.from({ length: 1 + Math.floor(random() * 4) }, () => [pick(keys), value(depth - 1)]),
          );
    const targets = [
      ...inferenceRoutes.map((route) => route.path.replace(':slot', '0')),
      ...commandNames.map((name) => `/control/commands/${name}`),
      ...['/upstream/one/props', '/upstream/two/x', '/models/load', '/api/pull', '/api/create', '/admin', '/config'],
    ];
    const statuses = new Set<number>();
    for (let request = 0; request < requests; request += 1) {
      const isSettings = random() < 0.25;
      const target = isSettings ? '/control/commands/update-settings' : pick(targets);
      const body = isSettings
        ? {
            edits: Array.from({ length: 1 + Math.floor(random() * 2) }, () => ({
              path: [
                pick(['models', 'engine', 'defaults', ...keys]),
                pick(['one', 'two', 'new', ...keys]),
                ...(random() < 0.7 ? [pick(keys)] : []),
              ],
              value: value(2),
            })),
          }
        : { model: pick(['one', 'two', canary]), messages: [], ...(value(3) as object) };
      const query = random() < 0.3 ? `?${pick(keys)}=${encodeURIComponent(pick([canary, url]))}` : '';
      const response = await running.post(target + query, body, {
        method: pick(['POST', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE']),
        headers: {
          authorization: `Bearer ${target.startsWith('/control') ? ADMIN_TOKEN : CLIENT_KEY}`,
          [`x-${pick(keys).replaceAll('_', '')}`]: pick([canary, url]),
        },
      });
      statuses.add(response.status);
      expect(response.status, `${target} ${JSON.stringify(body)}`).not.toBe(500);
      await response.text();
    }
    trap.close();
    // It got past the guards: some were answered by a model, some refused for what they asked.
    for (const status of [200, 400, 403]) expect([...statuses]).toContain(status);

    await running.bridge.call('eject-all-models', { mode: 'now' });
    expect(await running.chat('one')).toContain('one-token-1');
    expect(await running.chat('two')).toContain('two-token-1');
    expect(running.model('one').commandLine?.filter((argument) => !/^\d+$/.test(argument))).toEqual(commandLine);
    for (const each of await folder.liveProcesses()) expect(each.commandLine).not.toContain(canary);
    expect(existsSync(witness)).toBe(false);
    expect(hits).toBe(0);
  }, 300_000);
});
