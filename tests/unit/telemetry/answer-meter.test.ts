import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnswerMeter, findUsage, type AnswerUsage } from '../../../electron/engine/telemetry/answer-meter.ts';

function measure(pieces: readonly (string | Buffer)[], isStream: boolean): AnswerUsage {
  const meter = createAnswerMeter({ isStream });
  for (const piece of pieces) meter.observe(Buffer.from(piece));
  return meter.usage();
}

const event = (text: string): string => `data: {"choices":[{"delta":{"content":${JSON.stringify(text)}}}]}\n\n`;
const nothing = { promptTokens: null, completionTokens: null, tokensPerSecond: null };

describe('findUsage', () => {
  it.each<[string, string, AnswerUsage]>([
    [
      'OpenAI',
      '{"choices":[],"usage":{"prompt_tokens":21,"completion_tokens":8}}',
      { promptTokens: 21, completionTokens: 8, tokensPerSecond: null },
    ],
    [
      'Anthropic',
      '{"content":[],"usage":{"input_tokens":5,"output_tokens":7}}',
      { promptTokens: 5, completionTokens: 7, tokensPerSecond: null },
    ],
    [
      'llama-server, whose prompt was partly cached',
      '{"timings":{"prompt_n":3,"cache_n":18,"predicted_n":8,"predicted_per_second":99.5}}',
      { promptTokens: 21, completionTokens: 8, tokensPerSecond: 99.5 },
    ],
    [
      'usage with objects in it',
      '{"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens":2}}',
      { promptTokens: 1, completionTokens: 2, tokensPerSecond: null },
    ],
    [
      'the last of several',
      '{"usage":{"completion_tokens":1}} {"usage":{"completion_tokens":2}}',
      { ...nothing, completionTokens: 2 },
    ],
    ['words that look like it', '"usage": {not json} and "usage":{"completion_tokens":', nothing],
    ['a null', '{"usage":null}', nothing],
    ['nothing', '', nothing],
  ])('reads %s', (_name, text, expected) => {
    expect(findUsage(text)).toEqual(expected);
  });
});

describe('an answer meter', () => {
  it('counts the events of a stream that does not say, without the role, the reason and [DONE]', () => {
    const events = [event(''), event('one'), event('two'), event('three'), event(''), 'data: [DONE]\n\n'];
    expect(measure(events, true).completionTokens).toBe(3);
  });

  it('does not count what is no stream', () => {
    expect(measure([event('one'), event('two')], false)).toEqual(nothing);
  });

  it('counts several events in a piece, and none twice that look like another inside', () => {
    const events = [event(''), event('data: {'), event('data:'), event('three'), event(''), 'data: [DONE]\n\n'];
    expect(measure([events.join('')], true).completionTokens).toBe(3);
  });

  it('finds the usage at the end of an answer much longer than it keeps, however it is cut', () => {
    const text = `{"content":"${'x'.repeat(100_000)}","usage":{"prompt_tokens":3,"completion_tokens":4}}`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(measure(pieces, false)).toEqual({ promptTokens: 3, completionTokens: 4, tokensPerSecond: null });
      }),
      { numRuns: 50 },
    );
  });

  it('prefers what the answer says to what was counted', () => {
    const last = 'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":50}}\n\n';
    expect(measure([event(''), event('a'), last, 'data: [DONE]\n\n'], true).completionTokens).toBe(50);
  });
});
