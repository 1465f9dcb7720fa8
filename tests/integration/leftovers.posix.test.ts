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
