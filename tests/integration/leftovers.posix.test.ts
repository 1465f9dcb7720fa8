import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, fakeModel, type TestFolder } from './support/corral.ts';
import { startCorralProcess, type CorralProcess } from './support/corral-process.ts';

let folder: TestFolder;
let corral: CorralProcess | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
});
afterEach(async () => {
  await corral?.end('SIGTERM');
  await folder.dispose();
});

/** Starts a process in a session of its own, as a daemon does, and then the model's server. */
const daemonising = ['/bin/sh', '-c', 'setsid sleep 300 & exec "$0" "$@"', ...(fakeModel()['command'] as string[])];

/** What many wrapper scripts do: the server is no child of Corral, and does not hear what its parent is told. */
const forking = ['/bin/sh', '-c', '"$0" "$@" & wait', ...(fakeModel()['command'] as string[])];

describe('S2 a wrapper that forks', () => {
  it('goes with the server it started when Corral is killed, within 3 s', async () => {
    corral = await startCorralProcess(folder, {
      memory: { maxLoaded: 3 },
      models: Object.fromEntries(['a', 'b', 'c'].map((id) => [id, { command: forking }])),
    });
    for (const model of ['a', 'b', 'c']) await corral.bridge.call('load-model', { model });
    // Corral, and a shell with its server for each model.
    expect((await folder.liveProcesses()).length).toBeGreaterThanOrEqual(7);
    await corral.end('SIGKILL');
    corral = undefined;
    await eventually('everything is gone', async () => (await folder.liveProcesses()).length === 0, 3000);
  });
});

// The environment of processes can be read on Linux only; elsewhere the ledger knows the children, not what left them.
describe.runIf(process.platform === 'linux')('S2 a process that left its group', () => {
  it('is ended at the next start, within 2 s, and nobody else is', async () => {
    const config = { models: { one: { command: daemonising } } };
    corral = await startCorralProcess(folder, config);
    await corral.bridge.call('load-model', { model: 'one' });
    await corral.end('SIGKILL');
    const sleepers = async (): Promise<number> =>
      (await folder.liveProcesses()).filter(({ commandLine }) => commandLine.startsWith('sleep')).length;
    await eventually('all but the daemon is gone', async () => (await folder.liveProcesses()).length === 1, 3000);
    expect(await sleepers()).toBe(1);
    corral = await startCorralProcess(folder, config);
    await eventually('the daemon is gone', async () => (await sleepers()) === 0, 2000);
    expect((await corral.post({ model: 'one', messages: [] })).status).toBe(200);
  });
});
