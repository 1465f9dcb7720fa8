import { describe, expect, it } from 'vitest';
import type { EjectOutcome } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { describeOutcome, ejectModels } from '../../../../electron/cli/verbs/eject.ts';
import { describeLoad, loadModel } from '../../../../electron/cli/verbs/load.ts';
import { switchModel } from '../../../../electron/cli/verbs/model-switches.ts';
import { createContext, createRecordingTerminal } from '../support/recording-terminal.ts';
import { createScriptedBridge } from '../support/scripted-bridge.ts';
import { NOW_MS, modelView, queueEntry, snapshotOf } from '../../../fakes/views.ts';

describe('corral load', () => {
  const times = (...each: number[]) => {
    const left = [...each];
    return () => left.shift() ?? each.at(-1) ?? 0;
  };

  it('says how long it took', async () => {
    const model = modelView({ state: 'ready', stateSince: NOW_MS + 1199 });
    const bridge = createScriptedBridge({ 'load-model': () => ({ model }) });
    const context = createContext({ wallMs: times(NOW_MS, NOW_MS + 1200) });
    await loadModel(bridge, context, 'qwen3');
    expect(bridge.calls).toEqual([{ name: 'load-model', request: { model: 'qwen3' } }]);
    expect(context.terminal.output).toBe('qwen3 is ready (1.2 s)\n');
    expect(context.terminal.errors).toBe('');
    expect(bridge.subscriberCount).toBe(0);
  });

  it('says so if it was loaded already', async () => {
    const model = modelView({ state: 'ready', stateSince: NOW_MS - 5000 });
    const context = createContext();
    await loadModel(createScriptedBridge({ 'load-model': () => ({ model }) }), context, 'qwen3');
    expect(context.terminal.output).toBe('qwen3 is ready (it was loaded already)\n');
  });

  it('rewrites one line on a terminal while it waits, and removes it', async () => {
    const terminal = createRecordingTerminal({ isErrorTty: true, columns: 20 });
    const context = createContext({ terminal });
    const show = (model: Partial<ModelView>): void =>
      bridge.update({ snapshot: snapshotOf({ models: [modelView(model)] }), event: undefined });
    const bridge = createScriptedBridge({
      'load-model': () => {
        show({ state: 'loading', loadProgress: 0.1 });
        show({ state: 'loading', loadProgress: 0.1 });
        show({ state: 'starting', detail: 'llama-server is installed' });
        throw new AppError('start-failed', 'It failed.');
      },
    });
    await expect(loadModel(bridge, context, 'qwen3')).rejects.toMatchObject({ code: 'start-failed' });
    expect(terminal.errors).toBe('\r\u001b[Kqwen3: loading 10%\r\u001b[Kqwen3: starting (l…\r\u001b[K');
    expect(terminal.output).toBe('');
    expect(bridge.subscriberCount).toBe(0);
  });

  it.each<[Partial<ModelView>, string | undefined]>([
    [{ state: 'off' }, 'qwen3: waits for room: other models are busy'],
    [{ state: 'starting' }, 'qwen3: starting'],
    [{ state: 'loading' }, 'qwen3: loading'],
    [{ state: 'loading', loadProgress: 0.999 }, 'qwen3: loading 99%'],
    [{ state: 'draining' }, 'qwen3: draining'],
    [{ state: 'ready' }, undefined],
    [{ id: 'other' }, undefined],
    [{ id: 'qwen3-8b', aliases: ['qwen3'], state: 'loading' }, 'qwen3-8b: loading'],
  ])('describes %j as %j', (model, expected) => {
    const queue = [queueEntry({ waitsFor: 'room' })];
    expect(describeLoad(snapshotOf({ models: [modelView(model)], queue }), 'qwen3')).toBe(expected);
  });
});

describe('corral eject', () => {
  const outcome: EjectOutcome = {
    model: 'qwen3',
    wasLoaded: true,
    exitCode: 0,
    signal: null,
    tookMs: 35,
    freedBytes: {},
  };

  it.each<[Partial<EjectOutcome>, string]>([
    [{}, 'qwen3 ejected (exit code 0, 35 ms)'],
    [{ exitCode: null, signal: 'SIGKILL', tookMs: 10_020 }, 'qwen3 ejected (ended by SIGKILL, 10 s)'],
    [{ wasLoaded: false, exitCode: null }, 'qwen3 was not loaded'],
  ])('describes %j as %j', (changes, expected) => {
    expect(describeOutcome({ ...outcome, ...changes })).toBe(expected);
  });

  it('ejects one model in the mode that was asked for', async () => {
    const bridge = createScriptedBridge({ 'eject-model': () => ({ ejected: outcome }) });
    const context = createContext();
    await ejectModels(bridge, context, { name: 'qwen', mode: 'after-queue' });
    expect(bridge.calls).toEqual([{ name: 'eject-model', request: { model: 'qwen', mode: 'after-queue' } }]);
    expect(context.terminal.output).toBe('qwen3 ejected (exit code 0, 35 ms)\n');
  });

  it('ejects all, a line each', async () => {
    const ejected = [outcome, { ...outcome, model: 'gemma' }];
    const bridge = createScriptedBridge({ 'eject-all-models': () => ({ ejected }) });
    const context = createContext();
    await ejectModels(bridge, context, { name: undefined, mode: 'now' });
    expect(context.terminal.output).toBe('qwen3 ejected (exit code 0, 35 ms)\ngemma ejected (exit code 0, 35 ms)\n');
    const json = createContext({ isJson: true });
    await ejectModels(bridge, json, { name: undefined, mode: 'now' });
    expect(JSON.parse(json.terminal.output)).toEqual({ ejected });
  });

  it('says so if there was nothing to eject', async () => {
    const bridge = createScriptedBridge({ 'eject-all-models': () => ({ ejected: [] }) });
    const context = createContext();
    await ejectModels(bridge, context, { name: undefined, mode: 'when-idle' });
    expect(context.terminal.output).toBe('No model is loaded\n');
  });

  it('says on a terminal what it waits for', async () => {
    const terminal = createRecordingTerminal({ isErrorTty: true });
    const bridge = createScriptedBridge({
      'eject-model': () => {
        const model = modelView({ state: 'draining', activeRequests: 1 });
        bridge.update({ snapshot: snapshotOf({ models: [model] }), event: undefined });
        return { ejected: outcome };
      },
    });
    await ejectModels(bridge, createContext({ terminal }), { name: 'qwen3', mode: 'when-idle' });
    expect(terminal.errors).toBe('\r\u001b[Kqwen3: waits for 1 running request\r\u001b[K');
  });
});

describe('corral pin, unpin, reset', () => {
  it.each([
    ['pin-model', 'qwen3 is pinned: it is not ejected to make room or for being idle, until unpinned\n'],
    ['unpin-model', 'qwen3 is not pinned any more\n'],
    ['reset-model', 'qwen3 is reset: the next request starts it again\n'],
  ] as const)('%s', async (command, expected) => {
    const answer = () => ({ model: modelView() });
    const bridge = createScriptedBridge({ 'pin-model': answer, 'unpin-model': answer, 'reset-model': answer });
    const context = createContext();
    await switchModel(bridge, context, { command, name: 'q' });
    expect(bridge.calls).toEqual([{ name: command, request: { model: 'q' } }]);
    expect(context.terminal.output).toBe(expected);
  });
});
