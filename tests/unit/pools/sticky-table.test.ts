import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStickyTable } from '../../../electron/engine/pools/sticky-table.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

describe('the table of users', () => {
  it('forgets who asked for nothing over the whole time, counted from the last request', () => {
    const clock = createFakeClock();
    const table = createStickyTable({ ttlMs: 1000, maxEntries: 10 });
    table.remember('ann', 'a', clock.nowMs());
    clock.advance(999);
    expect(table.find('ann', clock.nowMs())).toBe('a');
    table.remember('ann', 'a', clock.nowMs());
    clock.advance(999);
    expect(table.find('ann', clock.nowMs())).toBe('a');
    clock.advance(1);
    expect(table.find('ann', clock.nowMs())).toBeUndefined();
  });

  it('is no larger than it may be, and forgets who asked least lately', () => {
    const table = createStickyTable({ ttlMs: 1000, maxEntries: 3 });
    for (const user of ['ann', 'ben', 'cas']) table.remember(user, 'a', 0);
    table.remember('ann', 'a', 1);
    table.remember('dan', 'b', 2);
    expect(table.size()).toBe(3);
    expect(['ann', 'ben', 'cas', 'dan'].map((user) => table.find(user, 2))).toEqual(['a', undefined, 'a', 'b']);
  });

  it('gives the room of those whose time is over back', () => {
    const table = createStickyTable({ ttlMs: 1000, maxEntries: 100 });
    for (let user = 0; user < 50; user += 1) table.remember(`user ${user}`, 'a', user);
    table.remember('late', 'b', 1025);
    expect(table.size()).toBe(25);
    expect(table.find('user 25', 1025)).toBeUndefined();
    expect(table.find('user 26', 1025)).toBe('a');
  });

  it('heeds other limits from then on', () => {
    const table = createStickyTable({ ttlMs: 1000, maxEntries: 100 });
    for (let user = 0; user < 50; user += 1) table.remember(`user ${user}`, 'a', 0);
    table.configure({ ttlMs: 10, maxEntries: 2 });
    expect(table.find('user 1', 10)).toBeUndefined();
    table.remember('new', 'b', 1);
    expect(table.size()).toBe(2);
  });

  it('never grows beyond its cap, whoever asks', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 5 }), (users, maxEntries) => {
        const table = createStickyTable({ ttlMs: 1000, maxEntries });
        users.forEach((user, index) => {
          table.remember(user, `e${index}`, index);
          expect(table.size()).toBeLessThanOrEqual(maxEntries);
          expect(table.find(user, index)).toBe(`e${index}`);
        });
      }),
    );
  });
});
