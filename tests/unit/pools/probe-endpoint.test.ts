import { describe, expect, it } from 'vitest';
import { describeFailure, parseModelList } from '../../../electron/engine/pools/probe-endpoint.ts';

describe('parseModelList', () => {
  it('takes what has an id, each once', () => {
    const text = JSON.stringify({
      data: [{ id: 'a', n: 1 }, { id: 'a', n: 2 }, { name: 'no id' }, null, { id: 7 }, { id: '' }, 'b'],
    });
    expect([...(parseModelList(text) ?? [])]).toEqual([['a', { id: 'a', n: 1 }]]);
  });

  it.each(['', 'ok', '[]', '{"data":{}}', 'null', '<html>'])('finds no list in %j', (text) => {
    expect(parseModelList(text)).toBeUndefined();
  });

  it('stops at some size', () => {
    const data = Array.from({ length: 10_050 }, (_, index) => ({ id: `m${index}` }));
    expect(parseModelList(JSON.stringify({ data }))?.size).toBe(10_000);
    expect(parseModelList(JSON.stringify({ data: [{ id: 'x'.repeat(501) }] }))?.size).toBe(0);
  });
});

describe('describeFailure', () => {
  it.each([
    [
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:8000'), { code: 'ECONNREFUSED' }),
      'nothing listens at its address (connection refused)',
    ],
    [new AggregateError([Object.assign(new Error('x'), { code: 'ENOTFOUND' })]), 'its name is not known (DNS)'],
    [new Error('self-signed certificate'), 'self-signed certificate'],
    ['odd', 'odd'],
  ])('says %s plainly', (thrown, expected) => {
    expect(describeFailure(thrown)).toBe(expected);
  });
});
