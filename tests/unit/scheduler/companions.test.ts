import { describe, expect, it } from 'vitest';
import type { SetFacts } from '../../../electron/engine/scheduler/companions.ts';
import { createCountRoom, type RoomDecision } from '../../../electron/engine/scheduler/room.ts';
import type { ModelFacts } from '../../../electron/engine/scheduler/view.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';

function ready(id: string, changes: Partial<ModelFacts> = {}): ModelFacts {
  return { ...plainModelFacts, id, state: 'ready', ...changes };
}

interface World {
  readonly residents: readonly ModelFacts[];
  readonly sets?: readonly SetFacts[];
  readonly addresses?: Readonly<Record<string, string>>;
  readonly maxLoaded?: number;
  readonly setName?: string;
}

function ask(modelId: string, world: World): RoomDecision {
  const { residents, sets = [], addresses = {}, maxLoaded = Number.POSITIVE_INFINITY, setName } = world;
  const room = createCountRoom({ maxLoaded, canEvict: true, sets, addresses: new Map(Object.entries(addresses)) });
  return room({ nowMs: 0, memory: undefined, modelId, models: residents, isWanted: () => false, setName });
}

const fits = { kind: 'fits' };
const evict = (...victims: string[]): RoomDecision => ({ kind: 'evict', victims });

describe('a set that unloads others', () => {
  const sets: readonly SetFacts[] = [
    { name: 'large', models: ['a', 'b'], isExclusive: false, evictsOthers: true, isOneAtATime: true },
    { name: 'small', models: ['s', 't'], isExclusive: false },
    { name: 'for-ever', models: ['f'], isExclusive: false, isPersistent: true },
  ];

  it('does so when one of its members is loaded, and leaves persistent ones', () => {
    expect(ask('a', { sets, residents: [ready('s'), ready('t'), ready('f')] })).toEqual(evict('s', 't'));
  });

  it('bears what is loaded later', () => {
    expect(ask('s', { sets, residents: [ready('a'), ready('f')] })).toEqual(fits);
  });

  it('has its members take turns', () => {
    expect(ask('b', { sets, residents: [ready('a'), ready('f')] })).toEqual(evict('a'));
    expect(ask('t', { sets, residents: [ready('s')] })).toEqual(fits);
  });
});

describe('a set of models that are together by its name only', () => {
  const sets: readonly SetFacts[] = [{ name: 'coding', models: ['a', 'b'], isExclusive: false, isByName: true }];

  it.each<[string, World, RoomDecision]>([
    [
      'a fellow that came with it stays',
      { residents: [ready('b', { setName: 'coding' })], setName: 'coding' },
      { kind: 'fits' },
    ],
    ['a fellow that came by its own name goes', { residents: [ready('b')], setName: 'coding' }, evict('b')],
    ['asked for alone, it has no fellows', { residents: [ready('b', { setName: 'coding' })] }, evict('b')],
  ])('%s', (_what, world, answer) => {
    expect(ask('a', { sets, maxLoaded: 1, ...world })).toEqual(answer);
  });

  it('gives its place as a whole', () => {
    const residents = [ready('a', { setName: 'coding' }), ready('b', { setName: 'coding' })];
    expect(ask('other', { sets, maxLoaded: 1, residents })).toEqual(evict('a', 'b'));
  });
});

describe('models with one address', () => {
  const addresses = { a: 'loopback:8999', b: 'loopback:8999', c: 'loopback:9000' };
  const sets: readonly SetFacts[] = [{ name: 'all', models: ['a', 'b', 'c'], isExclusive: false }];

  it('are never loaded at once, whatever sets and places say', () => {
    expect(ask('a', { addresses, sets, residents: [ready('b'), ready('c')] })).toEqual(evict('b'));
    expect(ask('a', { addresses, residents: [ready('b', { activeRequests: 1 })] })).toEqual({
      kind: 'wait',
      yielding: ['b'],
    });
  });

  it('cannot take it from a pinned one', () => {
    expect(ask('a', { addresses, residents: [ready('b', { isPinned: true })] })).toMatchObject({
      kind: 'never',
      message: expect.stringContaining('pinned model b') as string,
    });
  });
});

describe('several exclusive sets with one model', () => {
  const sets: readonly SetFacts[] = [
    { name: 'one', models: ['x', 'a'], isExclusive: true },
    { name: 'two', models: ['x', 'b'], isExclusive: true },
    { name: 'three', models: ['a', 'c'], isExclusive: true },
  ];

  it('the one whose choice costs least to load again is taken', () => {
    const residents = [ready('a', { reloadMs: 10 }), ready('b', { reloadMs: 900 })];
    expect(ask('x', { sets, residents })).toEqual(evict('a'));
  });

  it('the first of equals', () => {
    expect(ask('x', { sets, residents: [ready('a'), ready('b')] })).toEqual(evict('b'));
  });

  it('what is in none of them goes', () => {
    expect(ask('x', { sets, residents: [ready('a'), ready('c')] })).toEqual(evict('c'));
    expect(ask('alone', { sets, residents: [ready('a'), ready('c')] })).toEqual(evict('a', 'c'));
  });
});
