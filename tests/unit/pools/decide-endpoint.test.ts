import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideEndpoint,
  type EndpointDecision,
  type EndpointFacts,
} from '../../../electron/engine/pools/decide-endpoint.ts';

function endpoint(key: string, changes: Partial<EndpointFacts> = {}): EndpointFacts {
  return {
    key,
    health: 'healthy',
    isResting: false,
    isCold: false,
    runningRequests: 0,
    concurrency: undefined,
    lastChosen: 0,
    ...changes,
  };
}

const chosen = (decision: EndpointDecision): string => (decision.kind === 'use' ? decision.key : decision.kind);

type Case = [
  title: string,
  endpoints: readonly EndpointFacts[],
  expected: string,
  asked?: { stickyKey?: string; tried?: ReadonlySet<string> },
];

const cases: Case[] = [
  ['nothing of nothing', [], 'none'],
  ['the only one', [endpoint('a')], 'a'],
  ['the one with the least to do', [endpoint('a', { runningRequests: 2 }), endpoint('b', { runningRequests: 1 })], 'b'],
  ['of equals the one chosen longest ago', [endpoint('a', { lastChosen: 4 }), endpoint('b', { lastChosen: 3 })], 'b'],
  [
    'the one with most room for its size',
    [endpoint('a', { runningRequests: 3, concurrency: 8 }), endpoint('b', { runningRequests: 1, concurrency: 2 })],
    'a',
  ],
  [
    'one without a limit as if it were the largest',
    [endpoint('a', { runningRequests: 3 }), endpoint('b', { runningRequests: 4, concurrency: 8 })],
    'a',
  ],
  [
    'a loaded one before one that would load',
    [endpoint('a', { isCold: true }), endpoint('b', { runningRequests: 1 })],
    'b',
  ],
  [
    'one that would load once the loaded one is busier',
    [endpoint('a', { isCold: true }), endpoint('b', { runningRequests: 3 })],
    'a',
  ],
  [
    'a healthy one before one that was not checked',
    [endpoint('a', { health: 'unknown' }), endpoint('b', { runningRequests: 9 })],
    'b',
  ],
  [
    'one that was not checked rather than wait',
    [endpoint('a', { runningRequests: 1, concurrency: 1 }), endpoint('b', { health: 'unknown' })],
    'b',
  ],
  ['a loading one last', [endpoint('a', { health: 'loading' }), endpoint('b', { health: 'unknown' })], 'b'],
  ['a resting one last', [endpoint('a', { isResting: true }), endpoint('b', { runningRequests: 50 })], 'b'],
  [
    'a loading one where there is no other',
    [endpoint('a', { health: 'loading' }), endpoint('b', { health: 'down' })],
    'a',
  ],
  [
    'one that is down where all are',
    [endpoint('a', { health: 'down', lastChosen: 2 }), endpoint('b', { health: 'down', lastChosen: 1 })],
    'b',
  ],
  ['to wait for a busy one', [endpoint('a', { runningRequests: 1, concurrency: 1 })], 'wait'],
  [
    'to wait rather than ask one that is loading or down',
    [
      endpoint('a', { runningRequests: 1, concurrency: 1 }),
      endpoint('b', { health: 'loading' }),
      endpoint('c', { health: 'down' }),
    ],
    'wait',
  ],
  [
    'to wait for a busy one that rests',
    [endpoint('a', { isResting: true, runningRequests: 1, concurrency: 1 })],
    'wait',
  ],
  ['the user’s own, however busy', [endpoint('a', { runningRequests: 9 }), endpoint('b')], 'a', { stickyKey: 'a' }],
  [
    'another than the user’s own if that is full',
    [endpoint('a', { runningRequests: 1, concurrency: 1 }), endpoint('b')],
    'b',
    { stickyKey: 'a' },
  ],
  [
    'another than the user’s own if that is down',
    [endpoint('a', { health: 'down' }), endpoint('b')],
    'b',
    { stickyKey: 'a' },
  ],
  [
    'another than the user’s own if that rests',
    [endpoint('a', { isResting: true }), endpoint('b')],
    'b',
    { stickyKey: 'a' },
  ],
  ['any if the user’s own is gone', [endpoint('b')], 'b', { stickyKey: 'a' }],
  [
    'none that was tried',
    [endpoint('a'), endpoint('b', { runningRequests: 9 })],
    'b',
    { tried: new Set(['a']), stickyKey: 'a' },
  ],
  ['nothing once all were tried', [endpoint('a'), endpoint('b')], 'none', { tried: new Set(['a', 'b']) }],
];

describe('decideEndpoint', () => {
  it.each(cases.map(([title, endpoints, expected, asked]) => ({ title, endpoints, expected, asked })))(
    'chooses $title',
    ({ endpoints, expected, asked = {} }) => {
      expect(chosen(decideEndpoint(endpoints, asked))).toBe(expected);
    },
  );

  it.each<[string, EndpointFacts[], ReadonlySet<string>, boolean]>([
    ['alone', [endpoint('a')], new Set(), false],
    ['beside another', [endpoint('a'), endpoint('b', { runningRequests: 1 })], new Set(), true],
    ['beside one that is down', [endpoint('a'), endpoint('b', { health: 'down' })], new Set(), false],
    ['beside one that was tried', [endpoint('a'), endpoint('b')], new Set(['b']), false],
  ])('says of one that stands %s whether another could take over', (_title, endpoints, tried, hasOther) => {
    expect(decideEndpoint(endpoints, { tried })).toEqual({ kind: 'use', key: 'a', hasOther });
  });

  it('takes turns', () => {
    const lastChosen = new Map([
      ['a', 0],
      ['b', 0],
      ['c', 0],
    ]);
    const order: string[] = [];
    for (let turn = 1; turn <= 7; turn += 1) {
      const key = chosen(decideEndpoint([...lastChosen].map(([each, last]) => endpoint(each, { lastChosen: last }))));
      lastChosen.set(key, turn);
      order.push(key);
    }
    expect(order.join('')).toBe('abcabca');
  });

  const anyEndpoint = fc.record({
    health: fc.constantFrom('unknown', 'healthy', 'loading', 'down' as const),
    isResting: fc.boolean(),
    isCold: fc.boolean(),
    runningRequests: fc.nat(5),
    concurrency: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    lastChosen: fc.nat(20),
    isTried: fc.boolean(),
  });

  it('never exceeds a limit, never repeats itself, and finds one if any could do', () => {
    fc.assert(
      fc.property(fc.array(anyEndpoint, { maxLength: 6 }), fc.nat(6), (list, own) => {
        const endpoints = list.map(({ isTried: _isTried, ...facts }, index) => endpoint(`e${index}`, facts));
        const tried = new Set(list.flatMap(({ isTried }, index) => (isTried ? [`e${index}`] : [])));
        const decision = decideEndpoint(endpoints, { stickyKey: `e${own}`, tried });
        const left = endpoints.filter(({ key }) => !tried.has(key));
        if (decision.kind === 'use') {
          const used = endpoints.find(({ key }) => key === decision.key);
          expect(tried.has(decision.key)).toBe(false);
          expect(used?.runningRequests).toBeLessThan(used?.concurrency ?? Number.POSITIVE_INFINITY);
          if (used?.health === 'down') expect(left.every(({ health }) => health === 'down')).toBe(true);
        } else if (decision.kind === 'none') expect(left).toEqual([]);
        else
          expect(
            left.some(
              ({ runningRequests, concurrency }) => runningRequests >= (concurrency ?? Number.POSITIVE_INFINITY),
            ),
          ).toBe(true);
      }),
    );
  });
});
