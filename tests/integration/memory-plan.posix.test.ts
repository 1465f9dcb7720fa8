import { chmod, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import { createTestFolder, eventually, fakeModel, type TestFolder } from './support/corral.ts';
import { cliEnv, runCli, startCorralProcess, type CliRun, type CorralProcess } from './support/corral-process.ts';
import { fakeServerArgs, fakeServerScript, type FakeServerFlags } from './support/fake-server-command.ts';
import { writeModelShape, type ModelShape } from './support/model-shapes.ts';

const MIB = 1024 ** 2;
const fixture = (name: string): string => new URL(`../fixtures/memory-probes/${name}`, import.meta.url).pathname;

/** Some 50 MiB of weights and a cache of 32 KiB a token. */
const shape: ModelShape = {
  architecture: 'llama',
  layers: 8,
  embedding: 1024,
  heads: 16,
  kvHeads: 16,
  headSize: 64,
  feedForward: 2816,
  vocabulary: 8192,
  contextLength: 32_768,
};

let folder: TestFolder;
let corral: CorralProcess;
let isUp = false;

beforeEach(async () => {
  folder = await createTestFolder();
  isUp = false;
});
afterEach(async () => {
  if (isUp) await corral.end('SIGTERM');
  await folder.dispose();
});

/** About what it is estimated at: 32 KiB a token, weights and buffers, without the program itself. */
const claimedMib = (contextSize: number): number => contextSize / 32 + 250;

/** The fake behind a name and a list of devices as a llama-server with CUDA gives it. */
async function writeEngine(devices: string): Promise<string> {
  const script = `#!/bin/sh\n[ "$1" = --list-devices ] && exec cat '${fixture(`list-devices/${devices}.txt`)}'\nexec '${process.execPath}' '${fakeServerScript}' "$@"\n`;
  const file = await folder.write('llama-server', script);
  await chmod(file, 0o755);
  return file;
}

async function start(
  contexts: Readonly<Record<string, number>>,
  memory: Record<string, unknown>,
  {
    devices = 'build-11669-none',
    env = {},
    flags = {},
  }: { devices?: string; env?: Record<string, string>; flags?: FakeServerFlags } = {},
): Promise<void> {
  const models: Record<string, unknown> = {};
  for (const [name, contextSize] of Object.entries(contexts)) {
    const file = path.join(folder.path, `${name}.gguf`);
    await writeModelShape(file, shape);
    models[name] = {
      file,
      contextSize,
      args: fakeServerArgs({ ...flags, claimMib: claimedMib(contextSize), claimDevice: 'CPU' }),
    };
  }
  const config = { engine: { path: await writeEngine(devices) }, memory, models };
  corral = await startCorralProcess(folder, config, ['--port', '0'], [], env);
  isUp = true;
}

const cli = (...args: string[]): Promise<CliRun> => runCli([...args, '--data-dir', corral.dataFolder], cliEnv(folder));
const state = async (modelId: string): Promise<ModelState | undefined> =>
  (await corral.bridge.call('get-snapshot', {})).models.find(({ id }) => id === modelId)?.state;
const load = (model: string): Promise<unknown> => corral.bridge.call('load-model', { model });
const plan = async (model: string): Promise<LoadPlanView> => (await corral.bridge.call('plan-load', { model })).plan;
const ask = (model: string): Promise<Response> =>
  corral.post({ model, messages: [{ role: 'user', content: 'Hello' }] });

describe('a plan is what the load then does', () => {
  /** Two with 8k tokens need some 580 MiB each. */
  const budget = { reserve: '0', budgets: { RAM: '1300MiB' } };
  const contexts = { a: 8192, b: 8192, c: 8192, huge: 65_536 };

  it('fits, evicts the one it named, keeps the others, and an eject tells what is free again', async () => {
    await start(contexts, budget);
    expect(await plan('a')).toMatchObject({ isLoaded: false, outcome: 'fits', ejects: [], keeps: [] });
    await load('a');
    expect(await plan('b')).toMatchObject({ outcome: 'fits', keeps: ['a'] });
    await load('b');
    // Whatever was used more lately stays.
    expect((await ask('a')).status).toBe(200);
    const planned = await plan('c');
    expect(planned).toMatchObject({ outcome: 'evicts', ejects: [{ model: 'b' }], keeps: ['a'] });
    expect(await Promise.all(['a', 'b', 'c'].map(state))).toEqual(['ready', 'ready', 'off']);
    await load('c');
    expect(await Promise.all(['a', 'b', 'c'].map(state))).toEqual(['ready', 'off', 'ready']);
    expect(await plan('c')).toMatchObject({ isLoaded: true });

    const { ejected } = await corral.bridge.call('eject-model', { model: 'c', mode: 'when-idle' });
    expect(ejected.freedBytes).toEqual({ RAM: planned.placement['RAM'] });
    expect(planned.placement['RAM']).toBeGreaterThan(500 * MIB);
    expect(planned.placement['RAM']).toBeLessThan(650 * MIB);
  });

  it('has a model that is larger than the budget refused at once, with both numbers, and nothing ejected', async () => {
    await start(contexts, budget);
    await load('a');
    expect(await plan('huge')).toMatchObject({ outcome: 'no-room', ejects: [] });
    const startedMs = performance.now();
    const response = await ask('huge');
    const tookMs = performance.now() - startedMs;
    const { error } = (await response.json()) as { error: { message: string; code: string } };
    expect([response.status, error.code]).toEqual([503, 'no_room']);
    expect(error.message).toMatch(/needs 2\.\d GB of memory, and 1\.4 GB of RAM is all there is/);
    expect(tookMs).toBeLessThan(200);
    expect(await state('a')).toBe('ready');
  });

  it('waits for a busy one and says which', async () => {
    await start({ a: 16_384, b: 16_384 }, budget, { flags: { tokens: 1000, tokenDelayMs: 50 } });
    await load('a');
    const gone = new AbortController();
    const stream = await fetch(`${corral.address}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'a', stream: true, messages: [] }),
      signal: gone.signal,
    });
    expect(stream.status).toBe(200);
    expect(await plan('b')).toMatchObject({ outcome: 'waits', waitsFor: ['a'], ejects: [], keeps: ['a'] });
    gone.abort();
    await eventually('a is idle', async () => (await plan('b')).outcome === 'evicts');
  });

  it('is shown by `corral plan`, for people and for programs', async () => {
    await start(contexts, budget);
    await load('a');
    const shown = await cli('plan', 'b');
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toMatch(
      /^b fits\n {2}needs \d{3} MB of RAM \((estimated from its file|as measured the last time)\); free: \d{3} MB of RAM\n {2}keeps a\n/,
    );
    const json = await cli('plan', 'huge', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ plan: { model: 'huge', outcome: 'no-room', ejects: [] } });
    expect((await cli('plan', 'nobody')).exitCode).toBe(1);
    expect(await state('b')).toBe('off');
  });
});

describe('game mode', () => {
  const memory = { reserve: '0', budgets: { RAM: '1300MiB' } };

  it('unloads everything, holds what comes and serves it once it is off', async () => {
    await start({ a: 8192, b: 8192 }, memory);
    await load('a');
    expect(await cli('game-mode', 'on')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Game mode is on/) as string,
    });
    await eventually('a is gone', async () => (await state('a')) === 'off');
    const held = ask('b');
    await eventually(
      'it waits',
      async () => (await corral.bridge.call('get-snapshot', {})).queue[0]?.waitsFor === 'game-mode',
    );
    expect(await state('b')).toBe('off');
    expect(await cli('game-mode', 'off', '--json')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/"isGameMode": ?false/) as string,
    });
    expect((await held).status).toBe(200);
  });

  it('refuses what comes where that is configured', async () => {
    await start({ a: 8192 }, { ...memory, gameMode: { requests: 'refuse' } });
    await cli('game-mode', 'on');
    const response = await ask('a');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      error: { code: 'game_mode', message: expect.stringContaining('corral game-mode off') as string },
    });
    await cli('game-mode', 'off');
    expect((await ask('a')).status).toBe(200);
  });
});

describe('a budget that makes no sense', () => {
  it.each([
    { name: 'is negative', budgets: { RAM: '-1GiB' } },
    { name: 'has no unit', budgets: { RAM: 12 } },
    { name: 'is of no device', budgets: { '': '1GiB' } },
  ])('stops the start if it $name', async ({ budgets }) => {
    await expect(start({ a: 8192 }, { budgets })).rejects.toThrow(/ended with 1:[^]*memory\.budgets/);
  });

  it('has nothing fetched, and no start wait for it, to be checked', async () => {
    corral = await startCorralProcess(folder, {
      memory: { budgets: { CUDA0: '4GiB', RAM: '4GiB' } },
      models: { one: fakeModel() },
    });
    isUp = true;
    const { engine, instance } = await corral.bridge.call('get-snapshot', {});
    expect([engine.status, instance.configErrors]).toEqual(['searching', []]);
    expect(await readdir(corral.dataFolder)).not.toContain('engines');
  });

  it.each([
    [{ CUDA0: '4GiB', CUDA7: '4GiB' }, /memory\.budgets\.CUDA7: is no device of this machine.* CUDA0, CUDA1, RAM/],
    [{ CUDA0: '400GiB' }, /memory\.budgets\.CUDA0: is more than CUDA0 has: 429 GB of 25/],
  ])('stops the start if it is %j, which this machine does not have', async (budgets, message) => {
    const env = await writeVendorTool(`cat '${fixture('nvidia-smi/gpus-unequal.txt')}'`);
    await expect(start({ a: 8192 }, { budgets }, { devices: 'build-11669-cuda-two', env })).rejects.toThrow(message);
  });
});

/** Puts an `nvidia-smi` first on the PATH that does this when asked for GPUs, and tells of no processes. */
async function writeVendorTool(script: string): Promise<Record<string, string>> {
  const tool = path.join(folder.path, 'nvidia-smi');
  await writeFile(tool, `#!/bin/sh\ncase "$1" in --query-gpu=*) ${script} ;; esac\n`);
  await chmod(tool, 0o755);
  return { PATH: `${folder.path}:${process.env['PATH'] ?? ''}` };
}

describe('a vendor’s tool', () => {
  const freeOfFirst = async (): Promise<number | null | undefined> =>
    (await corral.bridge.call('get-snapshot', {})).memory.devices.find(({ id }) => id === 'CUDA0')?.freeBytes;

  it.each([
    { name: 'hangs', script: 'sleep 60' },
    { name: 'talks nonsense', script: 'echo "Segmentation fault? 12, ,,"' },
    { name: 'fails', script: 'exit 1' },
  ])('that $name once it was good: another source tells, and a load goes on', async ({ script }) => {
    const env = await writeVendorTool(`cat '${fixture('nvidia-smi/gpus-unequal.txt')}'`);
    await start({ a: 8192 }, {}, { devices: 'build-11669-cuda-two', env });
    const good = await plan('a');
    expect(good).toMatchObject({ outcome: 'fits', placement: { CUDA1: expect.any(Number) as number } });
    expect(await freeOfFirst()).toBe(24_247 * MIB);
    await writeVendorTool(script);
    // A reading that is this old is not what a load is decided by.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await plan('a');
    await load('a');
    expect(await state('a')).toBe('ready');
    // llama-server's own list says what is free, where nobody else does any more.
    expect(await freeOfFirst()).toBe(23_854 * MIB);
  });
});
