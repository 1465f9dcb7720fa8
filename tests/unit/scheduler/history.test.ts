import { describe, expect, it } from 'vitest';
import { checkHistory, type HistoryEvent, type TimedEvent } from './support/history.ts';

const budgets = new Map([['CUDA0', 100]]);
const holding = (bytes: Record<string, number>) =>
  new Map(Object.entries(bytes).map(([modelId, size]) => [modelId, new Map([['CUDA0', size]])]));
const told = (...events: HistoryEvent[]): string[] =>
  checkHistory(
    events.map((event, index): TimedEvent => ({ ...event, atMs: index })),
    budgets,
  );
const started = (modelId: string, bytes: Record<string, number>): HistoryEvent => ({
  kind: 'started',
  modelId,
  reserved: holding(bytes),
});
const spawned = (modelId: string, generation = 1): HistoryEvent => ({ kind: 'spawned', modelId, generation });
const asked = (requestId: string): HistoryEvent => ({ kind: 'asked', requestId, modelId: 'a' });
const served = (requestId: string, generation = 1): HistoryEvent => ({
  kind: 'served',
  requestId,
  modelId: 'a',
  generation,
});
const gone: HistoryEvent = { kind: 'gone', modelId: 'a' };

describe('the checker of histories', () => {
  it('finds nothing in a good one', () => {
    expect(
      told(
        asked('q1'),
        started('a', { a: 60 }),
        spawned('a'),
        served('q1'),
        { kind: 'answered', requestId: 'q1' },
        { kind: 'stopping', modelId: 'a', askedBy: 'makes room for b' },
        gone,
        started('b', { b: 100 }),
      ),
    ).toEqual([]);
  });

  it.each([
    {
      name: 'more promised than there is',
      events: [started('a', { a: 60 }), started('b', { a: 60, b: 50 })],
      broken: /^Q1 at 1 ms: 110 bytes of CUDA0/,
    },
    {
      name: 'more reserved than was promised to anybody',
      events: [{ kind: 'reservations', reserved: holding({ a: 150 }) } as const],
      broken: /^Q1/,
    },
    { name: 'a second load', events: [started('a', { a: 1 }), started('a', { a: 1 })], broken: /^Q1.*loaded twice/ },
    { name: 'a second process', events: [spawned('a'), spawned('a', 2)], broken: /^Q1.*two processes/ },
    { name: 'no outcome', events: [asked('q1')], broken: /^Q2: q1 has 0/ },
    {
      name: 'two outcomes',
      events: [asked('q1'), spawned('a'), served('q1'), { kind: 'refused', requestId: 'q1', code: 'x' } as const],
      broken: /^Q2: q1 has 2 outcomes: served, x/,
    },
    {
      name: 'a process that is gone',
      events: [asked('q1'), spawned('a'), gone, asked('q2'), served('q1'), served('q2')],
      broken: /^Q2 at 4 ms: q1 is served by process 1/,
    },
    {
      name: 'an older process',
      events: [asked('q1'), spawned('a'), gone, spawned('a', 2), served('q1', 1)],
      broken: /^Q2.*process 1/,
    },
    {
      name: 'an eviction under a request',
      events: [
        asked('q1'),
        spawned('a'),
        served('q1'),
        { kind: 'stopping', modelId: 'a', askedBy: 'makes room for b' } as const,
      ],
      broken: /^Q4.*q1/,
    },
  ])('finds $name', ({ events, broken }) => {
    expect(told(...events)[0]).toMatch(broken);
  });

  it('bears a measurement that is above the promise, until something else is put beside it', () => {
    const measured: HistoryEvent = { kind: 'reservations', reserved: holding({ a: 120 }) };
    expect(told(started('a', { a: 90 }), measured)).toEqual([]);
    expect(told(started('a', { a: 90 }), measured, started('b', { a: 120, b: 1 }))).toHaveLength(1);
  });
});
