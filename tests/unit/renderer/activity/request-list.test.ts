import { describe, expect, test } from 'vitest';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import {
  formatCount,
  formatMoment,
  formatSpeed,
  formatWait,
} from '../../../../renderer/features/activity/format-request.ts';
import {
  bucketRequests,
  describeEnd,
  distinct,
  filterRequests,
  formatJson,
  isProblem,
  nameRequests,
  noFilter,
  percentile,
  summariseRequests,
} from '../../../../renderer/features/activity/request-list.ts';
import { countNew } from '../../../../renderer/features/activity/use-held-list.ts';

const record = (id: string, changed: Partial<RequestRecord> = {}): RequestRecord => ({
  id,
  at: 0,
  modelId: 'qwen3',
  lane: 'default',
  route: '/v1/chat/completions',
  isStreaming: true,
  queueWaitMs: 0,
  loadWaitMs: 0,
  ttftMs: 100,
  durationMs: 1000,
  status: 200,
  promptTokens: 10,
  completionTokens: 20,
  tokensPerSecond: 40,
  endedBy: 'model',
  errorCode: null,
  ...changed,
});

describe('problems', () => {
  test.each([
    [{}, false, 'answered whole'],
    [{ status: 404 }, true, 'refused by the model'],
    [{ endedBy: 'client', status: null }, true, 'the client went away'],
    [{ endedBy: 'corral', status: 503, errorCode: 'cancelled' }, true, 'ended by Corral'],
    [{ endedBy: 'crash' }, true, 'the model’s process broke off'],
  ] as const)('%j: %s, %s', (changed, isTrouble, words) => {
    expect(isProblem(record('a', changed))).toBe(isTrouble);
    expect(describeEnd(record('a', changed))).toBe(words);
  });
});

describe('the filter', () => {
  const requests = [
    record('a'),
    record('b', { modelId: 'embed', route: '/v1/embeddings', lane: 'ci' }),
    record('c', { endedBy: 'corral', status: 503, errorCode: 'queue-timeout' }),
  ];
  const ids = (filter: Partial<typeof noFilter>): string[] =>
    filterRequests(requests, { ...noFilter, ...filter }).map(({ id }) => id);

  test('lets everything through unless told otherwise', () => expect(ids({})).toEqual(['a', 'b', 'c']));
  test('knows models, lanes and problems', () => {
    expect(ids({ model: 'embed' })).toEqual(['b']);
    expect(ids({ lane: 'default' })).toEqual(['a', 'c']);
    expect(ids({ isProblemsOnly: true })).toEqual(['c']);
    expect(ids({ model: 'embed', isProblemsOnly: true })).toEqual([]);
  });
  test('finds every word of a text, in whatever a row says', () => {
    expect(ids({ text: 'EMBED ci' })).toEqual(['b']);
    expect(ids({ text: 'timeout 503' })).toEqual(['c']);
    expect(ids({ text: 'ended by corral' })).toEqual(['c']);
    expect(ids({ text: 'qwen3 nowhere' })).toEqual([]);
  });
});

test('percentiles are values that occurred', () => {
  expect(percentile([], 0.5)).toBeUndefined();
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
  expect(
    percentile(
      Array.from({ length: 100 }, (_, index) => index + 1),
      0.95,
    ),
  ).toBe(95);
});

test('the summary leaves out what is not known instead of taking it for zero', () => {
  const summary = summariseRequests([
    record('a', { ttftMs: null, tokensPerSecond: null, completionTokens: null, status: null, endedBy: 'client' }),
    record('b', { ttftMs: 300, tokensPerSecond: 50 }),
  ]);
  expect(summary).toEqual({
    count: 2,
    problems: 1,
    medianTtftMs: 300,
    p95TtftMs: 300,
    medianTokensPerSecond: 50,
    completionTokens: 20,
  });
});

describe('the chart', () => {
  test('counts answers and problems in equal steps, with empty ones in between', () => {
    const { startsS, answered, problems, widthMs } = bucketRequests(
      [record('a', { at: 10_000 }), record('b', { at: 10_400 }), record('c', { at: 13_000, endedBy: 'crash' })],
      60,
    );
    expect(widthMs).toBe(1000);
    expect(startsS).toEqual([10, 11, 12, 13]);
    expect(answered).toEqual([2, 0, 0, 0]);
    expect(problems).toEqual([0, 0, 0, 1]);
  });

  test.each([1, 1e4, 1e6, 1e8, 1e10, 1e12])('a span of %s ms stays within the steps there is room for', (spanMs) => {
    const buckets = bucketRequests([record('a', { at: 999 }), record('b', { at: 999 + spanMs })], 120);
    expect(buckets.startsS.length).toBeLessThanOrEqual(120);
    expect(buckets.answered.reduce((sum, each) => sum + each, 0)).toBe(2);
  });

  test('of nothing is empty', () => {
    expect(bucketRequests([], 120).startsS).toEqual([]);
  });
});

test('what a list can be filtered by occurs in it', () => {
  expect(distinct([record('a'), record('b', { lane: 'ci' }), record('c')], ({ lane }) => lane)).toEqual([
    'ci',
    'default',
  ]);
});

test('while a list is held, what came since is counted', () => {
  const keyOf = (item: string): string => item;
  expect(countNew(['b', 'a'], ['d', 'c', 'b', 'a'], keyOf)).toBe(2);
  expect(countNew(['b', 'a'], ['b', 'a'], keyOf)).toBe(0);
  expect(countNew(['a'], ['z', 'y'], keyOf)).toBe(2);
  expect(countNew([], ['z'], keyOf)).toBe(1);
});

test('cells say what is known, with its unit, and a dash otherwise', () => {
  expect([formatWait(null), formatWait(0.2), formatWait(850), formatWait(12_300)]).toEqual([
    '–',
    '0',
    '850 ms',
    '12 s',
  ]);
  expect([formatCount(null), formatCount(12), formatCount(1_234_567)]).toEqual(['–', '12', '1\u2009234\u2009567']);
  expect([formatSpeed(null), formatSpeed(undefined), formatSpeed(3.14), formatSpeed(41.4)]).toEqual([
    '–',
    '–',
    '3.1',
    '41',
  ]);
  const now = new Date(2026, 4, 3, 12, 0, 0).getTime();
  expect(formatMoment(new Date(2026, 4, 3, 9, 5, 7).getTime(), now)).toBe('09:05:07');
  expect(formatMoment(new Date(2026, 4, 2, 9, 5, 7).getTime(), now)).toBe('2026-05-02 09:05:07');
});

test('each request has a key of its own that stays when newer ones come, and that nobody copies', () => {
  const older = [record('', { at: 5 }), record('', { at: 5 }), record('r1')];
  const keys = nameRequests(older).map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
  expect(
    nameRequests([record('', { at: 5 }), ...older])
      .map(({ key }) => key)
      .slice(1),
  ).toEqual(keys);
  expect(JSON.parse(formatJson(nameRequests(older)))).toEqual(older);
});
