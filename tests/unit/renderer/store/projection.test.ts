import { describe, expect, it } from 'vitest';
import type { BridgeUpdate } from '#shared/contract/bridge.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { applyUpdates, useAppStore } from '../../../../renderer/store/app-store.ts';
import { assignColours, cssColourOf } from '../../../../renderer/store/model-colours.ts';
import { formatPlace, pages, parsePlace } from '../../../../renderer/store/pages.ts';
import { countHerd, heldBytes, orderHerd, selectColours } from '../../../../renderer/store/selectors.ts';
import { planSignature } from '../../../../renderer/store/use-plans.ts';
import { keepOrder } from '../../../../renderer/store/use-stable-order.ts';
import { modelView, queueEntry, snapshotOf } from '../../../fakes/views.ts';

const state = useAppStore.getInitialState();
const update = (snapshot: Snapshot, event?: BridgeUpdate['event']): BridgeUpdate => ({ snapshot, event });

describe('the store', () => {
  it('shows the newest of several snapshots, and says that the connection is there', () => {
    const [older, newer] = [snapshotOf({ sequence: 1 }), snapshotOf({ sequence: 2 })];
    const next = applyUpdates(
      { ...state, connection: { status: 'lost', since: 1, reason: 'gone' } },
      [update(older, { type: 'queue-changed', queue: [] }), update(newer, { type: 'queue-changed', queue: [] })],
      99,
    );
    expect(next).toMatchObject({ snapshot: newer, updatedAt: 99, connection: { status: 'live' } });
  });

  it('changes nothing without an update', () => {
    expect(applyUpdates(state, [], 1)).toEqual({});
  });

  it('remembers how far logs and requests are known to go', () => {
    const next = applyUpdates(
      state,
      [
        update(snapshotOf(), { type: 'log-appended', source: 'qwen3', lastLine: 4 }),
        update(snapshotOf(), { type: 'log-appended', source: 'corral', lastLine: 9 }),
        update(snapshotOf(), { type: 'log-appended', source: 'qwen3', lastLine: 7 }),
        update(snapshotOf(), { type: 'requests-recorded', total: 12 }),
      ],
      1,
    );
    expect([...(next.lastLogLines ?? [])]).toEqual([
      ['qwen3', 7],
      ['corral', 9],
    ]);
    expect(next.recordedRequests).toBe(12);
  });

  it('has logs and requests fetched anew after a snapshot that leaves out what happened before', () => {
    const before = { ...state, lastLogLines: new Map([['qwen3', 7]]), recordedRequests: 3 };
    const next = applyUpdates(before, [update(snapshotOf())], 1);
    expect(next.lastLogLines).toEqual(new Map());
    expect(next.recordedRequests).not.toBe(3);
  });
});

describe('places', () => {
  it.each(pages.map(({ name }) => name))('%s is found again by its address', (page) => {
    expect(parsePlace(formatPlace({ page, subject: undefined }))).toEqual({ page, subject: undefined });
  });

  it.each(['qwen3-8b', 'org/model:q4', 'ü 100% <b>', '#/logs/x'])('keep %j as their subject', (subject) => {
    expect(parsePlace(formatPlace({ page: 'logs', subject }))).toEqual({ page: 'logs', subject });
  });

  it.each(['', '#', '#/', '#/nowhere', 'javascript:alert(1)', '#token=abc', '%%%'])('%j is home', (text) => {
    expect(parsePlace(text).page).toBe('herd');
  });

  it('take a stray percent sign as it is', () => {
    expect(parsePlace('#/logs/100%')).toEqual({ page: 'logs', subject: '100%' });
  });
});

describe('colours', () => {
  const ids = ['qwen3-8b', 'nomic-embed', 'gemma-27b', 'mistral-7b', 'phi-4', 'llama-70b', 'a', 'b', 'c', 'd'];

  it('differ as long as there are enough', () => {
    expect(new Set(assignColours(ids).values()).size).toBe(ids.length);
  });

  it('do not depend on the order of the models', () => {
    expect(assignColours([...ids].reverse())).toEqual(assignColours(ids));
  });

  it('are not lent to a model that is not on this machine', () => {
    const colours = assignColours(['here']);
    expect(cssColourOf(colours, 'here')).toBe(`var(--model-${colours.get('here') ?? ''})`);
    expect(cssColourOf(colours, 'far')).toBe('var(--others)');
  });

  it('are given to more models than there are colours', () => {
    const many = Array.from({ length: 35 }, (_, index) => `model-${index}`);
    expect([...assignColours(many).values()].every((colour) => colour >= 0 && colour < 10)).toBe(true);
  });

  it('are the same map while the models are the same', () => {
    const models = [modelView({ id: 'a' }), modelView({ id: 'b' })];
    expect(selectColours(models)).toBe(selectColours([...models]));
    expect(selectColours(models)).not.toBe(selectColours([modelView({ id: 'c' })]));
  });
});

describe('the herd', () => {
  it('counts what is loaded, loading, waiting and in trouble', () => {
    const models = (['ready', 'draining', 'loading', 'starting', 'failed', 'crashed', 'off', 'stopping'] as const).map(
      (each) => modelView({ id: each, state: each }),
    );
    expect(countHerd(snapshotOf({ models, queue: [queueEntry()] }))).toEqual({
      loaded: 2,
      loading: 2,
      waiting: 1,
      troubled: 2,
    });
  });

  it('lists what is loaded first, then trouble, then the rest, each as configured', () => {
    const models = [
      modelView({ id: 'off-1' }),
      modelView({ id: 'failed', state: 'failed' }),
      modelView({ id: 'ready', state: 'ready' }),
      modelView({ id: 'off-2' }),
      modelView({ id: 'loading', state: 'loading' }),
    ];
    expect(orderHerd(models).map(({ id }) => id)).toEqual(['ready', 'loading', 'failed', 'off-1', 'off-2']);
  });

  it('adds what a model holds over all devices', () => {
    expect(heldBytes(modelView({ reservedBytes: { CUDA0: 5, RAM: 2 } }))).toBe(7);
  });

  it('keeps its order under a hand: new ones last, gone ones away', () => {
    expect(keepOrder(['d', 'a', 'b', 'c'], (id) => id, ['c', 'x', 'b', 'a'])).toEqual(['c', 'b', 'a', 'd']);
  });
});

describe('plans', () => {
  const device = {
    id: 'CUDA0',
    name: 'GPU',
    kind: 'gpu' as const,
    totalBytes: 24e9,
    freeBytes: 20e9,
    budgetBytes: 23e9,
    usedByOthersBytes: 1e9,
    models: [],
    isStale: false,
    problem: null,
  };
  const base = snapshotOf({
    models: [modelView({ state: 'ready' })],
    memory: { devices: [device], isGameMode: false },
  });

  it('are asked for anew when a model comes, goes, is pinned or gets busy', () => {
    for (const change of [{ state: 'off' }, { isPinned: true }, { activeRequests: 1 }] as const) {
      const models = [modelView({ state: 'ready', ...change })];
      expect(planSignature({ ...base, models })).not.toBe(planSignature(base));
    }
  });

  it('are asked for anew when other programs take memory, and not for every byte of it', () => {
    const withOthers = (usedByOthersBytes: number): Snapshot => ({
      ...base,
      memory: { devices: [{ ...device, usedByOthersBytes }], isGameMode: false },
    });
    expect(planSignature(withOthers(1.001e9))).toBe(planSignature(base));
    expect(planSignature(withOthers(4e9))).not.toBe(planSignature(base));
  });

  it('are left alone while a model answers one request more', () => {
    const busy = { ...base, models: [modelView({ state: 'ready', activeRequests: 1 })] };
    const busier = { ...base, models: [modelView({ state: 'ready', activeRequests: 2 })] };
    expect(planSignature(busier)).toBe(planSignature(busy));
  });
});
