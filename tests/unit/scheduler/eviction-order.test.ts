import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareForEviction } from '../../../electron/engine/scheduler/eviction-order.ts';
import type { ModelFacts } from '../../../electron/engine/scheduler/view.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';

const nowMs = 1_000_000;
/** `idle` and `reload` in seconds. */
const model = (id: string, idle: number, reload: number, priority = 0): ModelFacts => ({
  ...plainModelFacts,
  id,
  lastUsedMs: nowMs - idle * 1000,
  reloadMs: reload * 1000,
  priority,
});

describe('who is evicted first', () => {
  it.each([
    { name: 'not used for longest', models: [model('a', 10, 5), model('b', 20, 5)], order: 'ba' },
    { name: 'quick to bring back', models: [model('a', 100, 40), model('b', 10, 2)], order: 'ba' },
    { name: 'slow, but not used for very long', models: [model('a', 1000, 40), model('b', 10, 2)], order: 'ab' },
    { name: 'of lower priority, whatever else', models: [model('a', 10_000, 1, 1), model('b', 1, 100)], order: 'ba' },
    { name: 'stale, where loads take no time', models: [model('a', 10, 0), model('b', 20, 0.1)], order: 'ba' },
  ])('$name', ({ models, order }) => {
    expect(
      models
        .toSorted(compareForEviction(nowMs))
        .map(({ id }) => id)
        .join(''),
    ).toBe(order);
  });

  it('is an order: of three nobody comes both before and after another', () => {
    const any = fc.tuple(
      fc.integer({ min: 0, max: 9999 }),
      fc.integer({ min: 0, max: 99 }),
      fc.integer({ min: 0, max: 2 }),
    );
    fc.assert(
      fc.property(fc.array(any, { minLength: 3, maxLength: 3 }), (values) => {
        const [a, b, c] = values.map(([idle, reload, priority], index) => model(String(index), idle, reload, priority));
        const compare = compareForEviction(nowMs);
        expect(Math.sign(compare(a!, b!)) + Math.sign(compare(b!, a!))).toBe(0);
        if (compare(a!, b!) <= 0 && compare(b!, c!) <= 0) expect(compare(a!, c!)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
