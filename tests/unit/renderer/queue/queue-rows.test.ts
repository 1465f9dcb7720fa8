import { describe, expect, test } from 'vitest';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import {
  countByModel,
  describeAge,
  describeExpected,
  holdRows,
  summariseQueue,
  toRows,
  type QueueRow,
} from '../../../../renderer/features/queue/queue-rows.ts';

const entry = (id: string, position: number, changed: Partial<QueueEntryView> = {}): QueueEntryView => ({
  id,
  modelId: 'qwen3',
  lane: 'default',
  priority: 0,
  waitsFor: 'slot',
  reason: 'slot of qwen3: 2 of 2 busy',
  position,
  enqueuedAt: 1000,
  expectedWaitMs: null,
  ...changed,
});
const ids = (rows: readonly QueueRow[]): string[] => rows.map(({ entry: { id }, isGone }) => (isGone ? `(${id})` : id));

describe('rows', () => {
  test('are in the order in which they will be served', () => {
    expect(ids(toRows([entry('b', 2), entry('a', 1)]))).toEqual(['a', 'b']);
  });

  test('under a hand: nobody moves, who is gone keeps the place, who is new comes last', () => {
    const before = toRows([entry('a', 1), entry('b', 2), entry('c', 3)]);
    const held = holdRows(before, [entry('new', 1, { priority: 5 }), entry('c', 2), entry('b', 3)]);
    expect(ids(held)).toEqual(['(a)', 'b', 'c', 'new']);
    expect(held[1]?.entry.position).toBe(3);
    expect(ids(holdRows(held, [entry('c', 1)]))).toEqual(['(a)', '(b)', 'c', '(new)']);
  });
});

test('the summary tells how many wait and how long the longest has', () => {
  const queue = [entry('a', 1, { enqueuedAt: 61_000 }), entry('b', 2, { enqueuedAt: 1000 })];
  expect(summariseQueue(queue, 241_000)).toBe('2 waiting · longest 4 min');
  expect(summariseQueue([], 0)).toBe('');
});

test('models are counted, most waited for first', () => {
  const queue = [entry('a', 1, { modelId: 'x' }), entry('b', 2), entry('c', 3), entry('d', 4, { modelId: 'a' })];
  expect(countByModel(queue)).toEqual([
    ['qwen3', 2],
    ['a', 1],
    ['x', 1],
  ]);
});

test.each([
  [null, 0, 'not known'],
  [12_000, 0, '≈12 s'],
  [12_000, 5000, '≈7 s'],
  [12_000, 20_000, 'any moment'],
  [240_000, 1000, '≈4 min'],
])('an expected wait of %s ms, %s ms later: %s', (expectedWaitMs, laterMs, text) => {
  expect(describeExpected(entry('a', 1, { expectedWaitMs }), 1000, 1000 + laterMs)).toBe(text);
});

test.each([
  [-50, '0 s'],
  [1999, '1 s'],
  [42_000, '42 s'],
  [180_000, '3 min'],
])('an age of %s ms: %s', (ageMs, text) => {
  expect(describeAge(entry('a', 1), 1000 + ageMs)).toBe(text);
});
