import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createWaitingLine,
  type WaitDescription,
  type WaitingEntry,
  type WaitingLine,
} from '../../../electron/engine/scheduler/waiting-line.ts';

function add(line: WaitingLine, id: string, changes: Partial<WaitingEntry> = {}): WaitingEntry {
  return line.add({
    id,
    modelId: 'a',
    lane: 'default',
    kind: 'request',
    isOptional: false,
    priority: 0,
    enqueuedMs: 0,
    enqueuedWallMs: 1000,
    deadlineMs: 1e6,
    resolve: () => undefined,
    reject: () => undefined,
    ...changes,
  });
}

const describeNothing = (): WaitDescription => ({ reason: '', expectedWaitMs: null });

describe('the waiting line', () => {
  it('keeps priority, then age', () => {
    const line = createWaitingLine();
    for (const [id, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', 5],
      ['e', -1],
      ['f', 0],
    ] as const)
      add(line, id, { priority });
    expect(line.entries().map(({ id }) => id)).toEqual(['b', 'd', 'a', 'c', 'f', 'e']);
    expect(line.view(describeNothing).map(({ id, position }) => `${id} ${position}`)).toEqual([
      'b 1',
      'd 2',
      'a 3',
      'c 4',
      'f 5',
      'e 6',
    ]);
  });

  it('counts requests by model and in all, and leaves loads out of counts and view', () => {
    const line = createWaitingLine();
    add(line, '1');
    add(line, '2', { modelId: 'b' });
    const load = add(line, '3', { kind: 'load' });
    expect([line.countRequests(), line.countRequests('a'), line.countRequests('b'), line.countRequests('c')]).toEqual([
      2, 1, 1, 0,
    ]);
    expect(line.size()).toBe(3);
    expect(line.view(describeNothing).map(({ id, position }) => `${id} ${position}`)).toEqual(['1 1', '2 2']);
    line.remove(load);
    line.remove(load);
    expect(line.size()).toBe(2);
    expect(line.countRequests()).toBe(2);
  });

  it('knows the place of a request among those for its model, and tells it to whoever describes them', () => {
    const line = createWaitingLine();
    const first = add(line, '1');
    const other = add(line, '2', { modelId: 'b' });
    const load = add(line, '3', { kind: 'load' });
    const last = add(line, '4');
    const urgent = add(line, '5', { priority: 1 });
    expect([urgent, first, last, other].map((entry) => line.placeOf(entry))).toEqual([
      { place: 1, total: 3 },
      { place: 2, total: 3 },
      { place: 3, total: 3 },
      { place: 1, total: 1 },
    ]);
    line.remove(load);
    line.remove(urgent);
    expect(line.placeOf(last)).toEqual({ place: 2, total: 2 });
    const described = line.view((entry, place) => ({ reason: `${entry.id} is ${place}`, expectedWaitMs: place * 10 }));
    expect(described.map(({ reason, expectedWaitMs }) => `${reason} ${String(expectedWaitMs)}`)).toEqual([
      '1 is 1 10',
      '2 is 1 10',
      '4 is 2 20',
    ]);
  });

  it('lets whoever iterates over it go on undisturbed', () => {
    const line = createWaitingLine();
    for (const id of ['1', '2', '3']) add(line, id);
    const seen: string[] = [];
    for (const entry of line.entries()) {
      seen.push(entry.id);
      line.remove(entry);
      add(line, `${entry.id}'`);
    }
    expect(seen).toEqual(['1', '2', '3']);
    expect(line.entries().map(({ id }) => id)).toEqual(["1'", "2'", "3'"]);
  });

  it('tells whether a reason is new, and forgets those of who has left', () => {
    const line = createWaitingLine();
    const entry = add(line, '1');
    expect(line.setReasons(new Map([['1', 'load']]))).toBe(true);
    expect(line.setReasons(new Map([['1', 'load']]))).toBe(false);
    expect(line.view(describeNothing)[0]?.waitsFor).toBe('load');
    expect(line.setReasons(new Map([['nobody', 'load']]))).toBe(false);
    line.remove(entry);
    expect(line.setReasons(new Map([['1', 'room']]))).toBe(false);
    expect(line.find('1')).toBeUndefined();
  });

  it('agrees with a list that is sorted each time, whatever comes and goes', () => {
    const step = fc.oneof(
      fc.record({ priority: fc.integer({ min: -3, max: 3 }), modelId: fc.constantFrom('a', 'b', 'c') }),
      fc.nat(30),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const line = createWaitingLine();
        let naive: WaitingEntry[] = [];
        steps.forEach((each, index) => {
          if (typeof each !== 'number') {
            naive.push(add(line, `${index}`, each));
            naive.sort((one, other) => other.priority - one.priority || one.order - other.order);
            return;
          }
          const leaving = naive[each];
          if (leaving === undefined) return;
          line.remove(leaving);
          naive = naive.filter((entry) => entry !== leaving);
        });
        expect(line.entries()).toEqual(naive);
        expect(line.countRequests()).toBe(naive.length);
        for (const modelId of ['a', 'b', 'c']) {
          expect(line.ofModel(modelId)).toEqual(naive.filter((entry) => entry.modelId === modelId));
          expect(line.countRequests(modelId)).toBe(line.ofModel(modelId).length);
        }
      }),
    );
  });
});
