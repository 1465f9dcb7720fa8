import { describe, expect, it } from 'vitest';
import type { ModelState } from '#shared/model/model-state.ts';
import { createCountRoom } from '../../../electron/engine/scheduler/room.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';
import type { ModelFacts } from '../../../electron/engine/scheduler/view.ts';

function model(id: string, state: ModelState, changes: Partial<ModelFacts> = {}): ModelFacts {
  return {
    ...plainModelFacts,
    id,
    state,
    ...changes,
  };
}

const busy = { activeRequests: 1 };
const pinned = { isPinned: true };

describe('room by number', () => {
  it.each([
    { name: 'none loaded', models: [], answer: { kind: 'fits' } },
    {
      name: 'only models that hold nothing',
      models: [model('a', 'off'), model('b', 'crashed'), model('c', 'failed')],
      answer: { kind: 'fits' },
    },
    { name: 'itself', models: [model('x', 'starting'), model('a', 'ready')], answer: { kind: 'fits' } },
    {
      name: 'full, one idle',
      models: [model('a', 'ready'), model('b', 'ready', busy)],
      answer: { kind: 'evict', victims: ['a'] },
    },
    {
      name: 'full, one pinned and one idle',
      models: [model('a', 'ready', pinned), model('b', 'ready', { lastUsedMs: 9 })],
      answer: { kind: 'evict', victims: ['b'] },
    },
    {
      name: 'full of models that load',
      models: [model('a', 'loading'), model('b', 'starting')],
      answer: { kind: 'wait', yielding: [] },
    },
    {
      name: 'full, one on its way out',
      models: [model('a', 'stopping'), model('b', 'ready')],
      answer: { kind: 'wait', yielding: [] },
    },
    {
      name: 'full, one draining',
      models: [model('a', 'draining', busy), model('b', 'ready')],
      answer: { kind: 'wait', yielding: [] },
    },
    {
      name: 'full and busy: the unimportant yields',
      models: [model('a', 'ready', { ...busy, priority: 1 }), model('b', 'ready', { ...busy, lastUsedMs: 9 })],
      answer: { kind: 'wait', yielding: ['b'] },
    },
    {
      name: 'more loaded than there may be: as many go as are too many',
      models: [
        model('a', 'ready', { lastUsedMs: 3 }),
        model('b', 'ready', { lastUsedMs: 2 }),
        model('c', 'ready', { lastUsedMs: 1 }),
      ],
      answer: { kind: 'evict', victims: ['c', 'b'] },
    },
  ])('with $name', ({ models, answer }) => {
    const room = createCountRoom({ maxLoaded: 2, canEvict: true });
    expect(room({ nowMs: 0, memory: undefined, modelId: 'x', models, isWanted: () => false })).toEqual(answer);
  });

  it('spares an idle model that is wanted, and would have it yield in the end', () => {
    const room = createCountRoom({ maxLoaded: 1, canEvict: true });
    const models = [model('a', 'ready')];
    expect(room({ nowMs: 0, memory: undefined, modelId: 'x', models, isWanted: (id) => id === 'a' })).toEqual({
      kind: 'wait',
      yielding: ['a'],
    });
  });

  it('never comes where everything is pinned, or nothing may be evicted', () => {
    const models = [model('a', 'ready', pinned), model('b', 'loading', pinned)];
    const isWanted = (): boolean => false;
    expect(
      createCountRoom({ maxLoaded: 2, canEvict: true })({
        nowMs: 0,
        memory: undefined,
        modelId: 'x',
        models,
        isWanted,
      }),
    ).toMatchObject({
      kind: 'never',
      message: expect.stringContaining('a, b') as string,
    });
    expect(
      createCountRoom({ maxLoaded: 1, canEvict: false })({
        nowMs: 0,
        memory: undefined,
        modelId: 'x',
        models: [model('a', 'ready')],
        isWanted,
      }),
    ).toMatchObject({
      kind: 'never',
      message: expect.stringContaining('reject') as string,
    });
  });
});
