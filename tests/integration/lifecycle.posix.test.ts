import { readFile, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, fakeModel, type TestFolder } from './support/corral.ts';
import { cliEnv, runCli, startCorralProcess, type CorralProcess } from './support/corral-process.ts';

let folder: TestFolder;
let corral: CorralProcess | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(async () => {
  if (corral?.child.exitCode === null && corral.child.signalCode === null) await corral.end('SIGTERM');
  await folder.dispose();
});

const threeModels = {
  memory: { maxLoaded: 3 },
  models: { a: fakeModel(), b: fakeModel({ forkGrandchild: true }), c: fakeModel({ ignoreSigterm: true }) },
};

async function loadAll(process: CorralProcess): Promise<void> {
  await Promise.all(['a', 'b', 'c'].map((model) => process.bridge.call('load-model', { model })));
}

describe('corral serve', () => {
  it('S1 leaves no model behind when it is killed with SIGKILL, grandchildren and deaf ones included', async () => {
    corral = await startCorralProcess(folder, threeModels);
    await loadAll(corral);
    // Corral, three models, a grandchild.
    expect((await folder.liveProcesses()).length).toBeGreaterThanOrEqual(5);
    await corral.end('SIGKILL');
    await eventually('everything is gone', async () => (await folder.liveProcesses()).length === 0, 3000);
  });

  it('starts again after SIGKILL with the same data folder', async () => {
    corral = await startCorralProcess(folder, threeModels);
    await loadAll(corral);
    await corral.end('SIGKILL');
    corral = await startCorralProcess(folder, threeModels);
    expect((await corral.post({ model: 'a', messages: [] })).status).toBe(200);
  });

  it('ends orderly on SIGTERM, with its models, and removes its traces', async () => {
    corral = await startCorralProcess(folder, { memory: { maxLoaded: 2 }, models: { a: fakeModel(), b: fakeModel() } });
    for (const model of ['a', 'b']) await corral.bridge.call('load-model', { model });
    const { exitCode } = await corral.end('SIGTERM');
    expect(exitCode).toBe(0);
    expect(await folder.liveProcesses()).toEqual([]);
    await expect(stat(path.join(corral.dataFolder, 'instance.json'))).rejects.toThrow(/ENOENT/);
    await expect(stat(path.join(corral.dataFolder, 'children.json'))).rejects.toThrow(/ENOENT/);
  });

  it('lets a running stream finish on SIGINT, and cuts it on a second one', async () => {
    const slow = { models: { slow: fakeModel({ name: 'slow', tokens: 30, tokenDelayMs: 30 }) } };
    corral = await startCorralProcess(folder, slow);
    await corral.bridge.call('load-model', { model: 'slow' });
    const whole = corral.post({ model: 'slow', stream: true, messages: [] });
    const first = await whole;
    const ending = corral.end('SIGINT');
    expect(await first.text()).toContain('[DONE]');
    expect((await ending).exitCode).toBe(0);

    corral = await startCorralProcess(folder, { models: { slow: fakeModel({ tokens: 1000, tokenDelayMs: 100 }) } });
    const cut = await corral.post({ model: 'slow', stream: true, messages: [] });
    const { child } = corral;
    const ended = corral.end('SIGINT');
    setTimeout(() => child.kill('SIGINT'), 300);
    const { exitCode, tookMs } = await ended;
    expect(exitCode).toBe(0);
    expect(tookMs).toBeLessThan(3000);
    expect(await cut.text().catch(() => 'broken off')).not.toContain('[DONE]');
  });

  it('refuses a second start on the same data folder, and names the pid of the first', async () => {
    corral = await startCorralProcess(folder, { models: { a: fakeModel() } });
    const second = await runCli(['serve', '--data-dir', corral.dataFolder, '--port', '0'], cliEnv(folder));
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(String(corral.child.pid));
    expect((await corral.post({ model: 'a', messages: [] })).status).toBe(200);
  });

  it('names who holds its port, and leaves nothing behind', async () => {
    const holder = net.createServer().listen({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as net.AddressInfo;
    const dataFolder = path.join(folder.path, 'other');
    const run = await runCli(['serve', '--data-dir', dataFolder, '--port', String(port)], cliEnv(folder));
    holder.close();
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(`Port ${port} on 127.0.0.1 is taken`);
    await expect(stat(path.join(dataFolder, 'instance.json'))).rejects.toThrow(/ENOENT/);
  });

  it('keeps its token in a file that only its user can read', async () => {
    corral = await startCorralProcess(folder, { models: { a: fakeModel() } });
    const file = path.join(corral.dataFolder, 'instance.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: corral.child.pid, address: corral.address });
  });

  it('X6 refuses to open itself to other machines without a key', async () => {
    const run = await runCli(['serve', '--host', '0.0.0.0', '--port', '0', '--data-dir', folder.path], cliEnv(folder));
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/apiKeys/);
  });
});
