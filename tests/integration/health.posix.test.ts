import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

describe('a model that was ready', () => {
  it('S7 is replaced within 10 s when it hangs (SIGSTOP)', async () => {
    corral = await startCorral({ models: { one: fakeModel() } });
    await corral.chat('one');
    const { pid } = corral.model('one');
    process.kill(pid ?? 0, 'SIGSTOP');
    await eventually('it is taken for hung', () => corral.model('one').problem !== null, 10_000);
    expect(corral.model('one').problem?.message).toMatch(/health check/);
    await eventually('another one is ready', () => corral.model('one').state === 'ready', 3000);
    expect(corral.model('one').pid).not.toBe(pid);
    expect(await corral.folder.liveProcesses()).toHaveLength(1);
  });

  it('is started again when it is killed, and says why it went away', async () => {
    corral = await startCorral({ models: { one: fakeModel() } });
    await corral.chat('one');
    const { pid } = corral.model('one');
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually('it is noticed', () => corral.model('one').state !== 'ready', 1000);
    expect(corral.model('one').problem?.message).toMatch(/SIGKILL|killed/i);
    expect(await corral.chat('one')).toContain('token');
    expect(corral.model('one').pid).not.toBe(pid);
  });

  it('stays while it generates, though it does not answer its health check meanwhile', async () => {
    corral = await startCorral({ models: { one: fakeModel({ tokens: 110, tokenDelayMs: 100 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    await fetch(`http://${corral.model('one').address ?? ''}/fake/health/drop`);
    expect(await corral.chat('one')).toContain('token-110');
  });
});
