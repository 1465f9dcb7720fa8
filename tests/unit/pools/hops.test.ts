import { describe, expect, it } from 'vitest';
import {
  checkHops,
  MAX_HOPS,
  nextVia,
  readVia,
  VIA_HEADER,
  withoutOwnModels,
} from '../../../electron/engine/pools/hops.ts';
import type { RemoteModel } from '../../../electron/engine/pools/pool-names.ts';

describe('the way of a request', () => {
  it('is told from Corral to Corral', () => {
    expect(readVia({})).toEqual([]);
    expect(readVia({ [VIA_HEADER]: nextVia(['a'], 'b') })).toEqual(['a', 'b']);
    expect(readVia({ [VIA_HEADER]: ' a ,, <script> ,b' })).toEqual(['a', 'b']);
  });

  it('is refused where it closes, and where it gets too long', () => {
    expect(checkHops(['a', 'b'], 'c', 'lab')).toBeUndefined();
    expect(checkHops(['a', 'b'], 'a', 'lab')).toMatchObject({
      code: 'loop-detected',
      message: expect.stringContaining('"lab"') as string,
    });
    const long = Array.from({ length: MAX_HOPS }, (_, index) => `h${index}`);
    expect(checkHops(long.slice(1), 'own', 'lab')).toBeUndefined();
    expect(checkHops(long, 'own', 'lab')).toMatchObject({ code: 'loop-detected' });
    expect(readVia({ [VIA_HEADER]: 'x,'.repeat(10_000) }).length).toBeLessThanOrEqual(MAX_HOPS + 1);
  });
});

describe('withoutOwnModels', () => {
  const list = (...models: [string, string[]?][]): Map<string, RemoteModel> =>
    new Map(models.map(([id, via]) => [id, via === undefined ? { id } : { id, corral: { via, state: 'ready' } }]));

  it('leaves lists of other servers as they are', () => {
    const models = list(['m']);
    expect([...withoutOwnModels(models, undefined, 'own')]).toEqual([...models]);
  });

  it('puts the source before the way, and leaves out what came from here', () => {
    const kept = withoutOwnModels(
      list(['local'], ['far', ['c']], ['ours', ['own']], ['round', ['c', 'own']]),
      'b',
      'own',
    );
    expect([...kept.values()]).toEqual([
      { id: 'local', corral: { via: ['b'] } },
      { id: 'far', corral: { via: ['b', 'c'], state: 'ready' } },
    ]);
  });

  it('lists nothing of itself', () => {
    expect(withoutOwnModels(list(['m']), 'own', 'own').size).toBe(0);
  });

  it('forgets what is gone at its source, in a ring of three', () => {
    const ids = ['a', 'b', 'c'] as const;
    const local = new Map<string, string[]>([['a', ['m']]]);
    const pooled = new Map<string, ReadonlyMap<string, RemoteModel>[]>(ids.map((id) => [id, [new Map(), new Map()]]));
    const listOf = (id: string): Map<string, RemoteModel> =>
      new Map([
        ...(pooled.get(id) ?? []).flatMap((each) => [...each]),
        ...(local.get(id) ?? []).map((model): [string, RemoteModel] => [model, { id: model }]),
      ]);
    const refresh = (): void => {
      for (const id of ids) {
        pooled.set(
          id,
          ids.filter((other) => other !== id).map((other) => withoutOwnModels(listOf(other), other, id)),
        );
      }
    };
    refresh();
    refresh();
    expect(ids.map((id) => listOf(id).has('m'))).toEqual([true, true, true]);
    local.set('a', []);
    for (let round = 0; round < 3; round += 1) refresh();
    expect(ids.map((id) => listOf(id).has('m'))).toEqual([false, false, false]);
  });
});
