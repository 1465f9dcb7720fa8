import { describe, expect, it } from 'vitest';
import type { DownloadView } from '#shared/contract/downloads.ts';
import { pullModel } from '../../../../electron/cli/verbs/pull.ts';
import { createContext, createRecordingTerminal } from '../support/recording-terminal.ts';
import { createScriptedBridge, type ScriptedBridge } from '../support/scripted-bridge.ts';
import { downloadView, snapshotOf } from '../../../fakes/views.ts';

function script(): ScriptedBridge {
  return createScriptedBridge({ 'pull-model': () => ({ download: downloadView({ state: 'looking-up' }) }) });
}

/** Shows these states one after the other once the verb listens. */
async function show(bridge: ScriptedBridge, ...views: (Partial<DownloadView> | undefined)[]): Promise<void> {
  while (bridge.subscriberCount === 0) await Promise.resolve();
  for (const view of views) {
    const downloads = view === undefined ? [] : [downloadView(view)];
    bridge.update({ snapshot: snapshotOf({ downloads }), event: undefined });
  }
}

const finished: Partial<DownloadView> = { state: 'finished', receivedBytes: 8e9, modelFile: '/hub/m.gguf' };
const source = { source: 'user/repo:Q4_K_M', file: undefined };

describe('corral pull', () => {
  it('writes a line now and then where nobody watches, and where the model is', async () => {
    const [bridge, context] = [script(), createContext()];
    const pulling = pullModel(bridge, context, source);
    await show(bridge, { receivedBytes: 1e9 }, { receivedBytes: 1.1e9 }, { receivedBytes: 4e9 }, finished);
    await pulling;
    expect(bridge.calls).toEqual([{ name: 'pull-model', request: { source: 'user/repo:Q4_K_M' } }]);
    expect(context.terminal.errors).toBe(
      'user/repo:Q4_K_M: 1.0 GB of 8.0 GB, 40.0 MB/s, 3 min left\nuser/repo:Q4_K_M: 4.0 GB of 8.0 GB, 40.0 MB/s, 3 min left\n',
    );
    expect(context.terminal.output).toBe('user/repo:Q4_K_M was downloaded (8.0 GB): /hub/m.gguf\n');
    expect(bridge.subscriberCount).toBe(0);
  });

  it('draws a bar for a person, and takes it away', async () => {
    const terminal = createRecordingTerminal({ isErrorTty: true, columns: 100 });
    const bridge = script();
    const pulling = pullModel(bridge, createContext({ terminal }), { source: 'user/repo:Q4_K_M', file: 'm.gguf' });
    await show(bridge, { receivedBytes: 2e9 }, finished);
    await pulling;
    expect(bridge.calls[0]?.request).toEqual({ source: 'user/repo:Q4_K_M', file: 'm.gguf' });
    expect(terminal.errors).toContain('█████░░░░░░░░░░░░░░░ 25% 2.0 GB of 8.0 GB, 40.0 MB/s');
    expect(terminal.errors.endsWith('\r\u001b[K')).toBe(true);
  });

  it('prints the download as JSON', async () => {
    const [bridge, context] = [script(), createContext({ isJson: true })];
    const pulling = pullModel(bridge, context, source);
    await show(bridge, { receivedBytes: 4e9 }, finished);
    await pulling;
    expect(JSON.parse(context.terminal.output)).toEqual({ download: downloadView(finished) });
    expect(context.terminal.errors).toBe('');
  });

  it.each<[string, Partial<DownloadView> | undefined, string]>([
    ['why it failed', { state: 'failed', problem: { code: 'not-found', message: 'None.' } }, 'not-found'],
    ['that it was paused', { state: 'paused' }, 'conflict'],
    ['that it was cancelled', undefined, 'cancelled'],
  ])('says %s', async (_name, view, code) => {
    const bridge = script();
    const pulling = pullModel(bridge, createContext(), source);
    void show(bridge, view);
    await expect(pulling).rejects.toMatchObject({ code });
    expect(bridge.subscriberCount).toBe(0);
  });

  it('says that the download goes on when it is interrupted', async () => {
    const abort = new AbortController();
    const [bridge, context] = [script(), createContext({ signal: abort.signal })];
    const pulling = pullModel(bridge, context, source);
    void show(bridge, {}).then(() => abort.abort(new Error('SIGINT')));
    await expect(pulling).rejects.toThrow('SIGINT');
    expect(context.terminal.errors).toContain('goes on');
  });

  it('fails when Corral goes away', async () => {
    const bridge = script();
    const pulling = pullModel(bridge, createContext(), source);
    void show(bridge, {}).then(() => bridge.disconnect());
    await expect(pulling).rejects.toMatchObject({ code: 'upstream-unavailable' });
  });
});
