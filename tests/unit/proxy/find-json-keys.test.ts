import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonKeys } from '../../../electron/engine/proxy/find-json-keys.ts';

const find = (text: string | Uint8Array) => findJsonKeys(Buffer.from(text as string));

const anything = expect.any(Boolean) as boolean;

/** What a parser that builds the document finds; undefined for what is not a JSON object. */
function findByParsing(text: string): { model: unknown; isStreaming: boolean } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not JSON, which is the answer.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { model, stream } = value as Record<string, unknown>;
  return { model, isStreaming: stream === true };
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

/** A string literal in one of the many spellings that mean the same: escapes, or none, for every character. */
function spelled(content: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(content, fc.infiniteStream(fc.nat(5))).map(([text, choices]) => {
    const characters = text.split('').map((unit) => {
      const value = choices.next().value as number;
      const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
      return value === 0 ? `\\u${hex}` : JSON.stringify(unit).slice(1, -1);
    });
    return `"${characters.join('')}"`;
  });
}

const keyNames = fc.oneof(fc.constantFrom('model', 'stream', 'Model', 'mode', 'messages', ''), fc.string());
const anyString = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  // Runs of backslashes of every length before quotes.
  fc.array(fc.constantFrom('\\', '\\\\', '"', 'a', '\n', ' '), { maxLength: 12 }).map((parts) => parts.join('')),
);
const numbers = fc.constantFrom('0', '-0', '1', '12.5', '1e9', '-1.5E-3', '123456789012345678901234567890');

const { value: jsonValue } = fc.letrec<{ value: string; member: string; object: string }>((tie) => ({
  member: fc
    .tuple(space, spelled(keyNames), space, space, tie('value'), space)
    .map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`),
  object: fc.array(tie('member'), { maxLength: 5 }).map((members) => `{${members.join(',')}}`),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(spelled(anyString), numbers, fc.constantFrom('true', 'false', 'null')),
    tie('object'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(' ,')}]`),
  ),
}));

/** Documents as clients and their serialisers may write them: keys repeated, in any spelling, at any depth. */
const jsonObject = fc
  .tuple(
    space,
    fc.array(
      fc.tuple(
        spelled(
          fc.oneof({ weight: 2, arbitrary: fc.constantFrom('model', 'stream') }, { weight: 1, arbitrary: keyNames }),
        ),
        space,
        fc.oneof(spelled(anyString), fc.constantFrom('true', 'false'), jsonValue),
      ),
      { maxLength: 6 },
    ),
    space,
  )
  .map(
    ([before, members, after]) =>
      `${before}{${members.map(([key, gap, value]) => `${key}${gap}:${gap}${value}`).join(',')}}${after}`,
  );

/** Any `model` that is not a string refuses the request, even if a later one is; that is narrower than JSON. */
function hasOtherModel(text: string): boolean {
  const result = find(text);
  return !result.ok && result.problem.startsWith('`model`');
}

describe('findJsonKeys', () => {
  it.each([
    ['{"model":"a"}', 'a', false],
    ['{"model":"a","stream":true}', 'a', true],
    ['{"stream":true}', undefined, true],
    ['{}', undefined, false],
    [' \r\n\t{ "model" : "a" } \n', 'a', false],
    ['\uFEFF{"model":"a"}', 'a', false],
    [String.raw`{"\u006dodel":"a","\u0073tream":true}`, 'a', true],
    [String.raw`{"\u006d\u006f\u0064\u0065\u006c":"a"}`, 'a', false],
    [String.raw`{"model":"a\/b\u00e9\"c"}`, 'a/bé"c', false],
    ['{"model":"a","model":"b"}', 'b', false],
    ['{"stream":true,"stream":false}', undefined, false],
    ['{"stream":"true"}', undefined, false],
    ['{"stream":1}', undefined, false],
    ['{"x":{"model":"inner","stream":true},"y":[{"model":"inner"}]}', undefined, false],
    ['{"x":"\\"model\\":\\"inner\\"","model":"a"}', 'a', false],
    ['{"x":"}","model":"a"}', 'a', false],
    ['{"Model":"inner","MODEL":"inner"}', undefined, false],
    ['{"model":"模型:7b/q4"}', '模型:7b/q4', false],
  ])('%s', (text, model, isStreaming) => {
    expect(find(text)).toEqual({ ok: true, found: { model, isStreaming, mayNameMedia: anything } });
  });

  it.each([
    ['', 0],
    ['  ', 2],
    ['null', 0],
    ['[{"model":"a"}]', 0],
    ['"model"', 0],
    ['{"model":"a"', 12],
    ['{"model":"a}', 9],
    ['{"model":"a",}', 13],
    ['{"model":"a"}}', 13],
    ['{"model":"a"}{"model":"b"}', 13],
    ['{model:"a"}', 1],
    ["{'model':'a'}", 1],
    ['{"x":01}', 5],
    ['{"x":+1}', 5],
    ['{"x":1.}', 5],
    ['{"x":NaN}', 5],
    ['{"x":undefined}', 5],
    ['{"x":truefalse}', 5],
    ['{"x":[1,]}', 8],
    ['{"x":[1 2]}', 8],
    ['{"x":[}]}', 6],
    ['{"x":{"a"}}', 9],
    ['{"x":{1:2}}', 6],
    ['{"x":{}', 7],
    ['{"model":7}', 9],
    ['{"model":null}', 9],
    ['{"model":["a"]}', 9],
  ])('refuses %s and says where', (text, offset) => {
    expect(find(text)).toMatchObject({ ok: false, offset });
  });

  it.each(Array.from({ length: 9 }, (_, count) => count))(
    'ends a string behind a run of %i backslashes rightly',
    (count) => {
      const text = `{"x":"${'\\'.repeat(count)}","model":"a","y":"z"}`;
      const parsed = findByParsing(text);
      const result = find(text);
      expect(result.ok).toBe(parsed !== undefined);
      if (result.ok) expect(result.found.model).toBe('a');
    },
  );

  it('finds the keys behind a string of many megabytes', () => {
    const image = 'QUJD'.repeat(2_000_000);
    expect(find(`{"image":"${image}\\\\","model":"a","stream":true}`)).toEqual({
      ok: true,
      found: { model: 'a', isStreaming: true, mayNameMedia: true },
    });
  });

  it.each([
    ['{"model":"a","messages":[{"role":"user","content":"an image_url, a url, an image"}]}', false],
    ['{"model":"a","tools":[{"type":"function","function":{"name":"x","parameters":{}}}]}', false],
    ['{"model":"a","messages":[{"content":[{"type":"image_url","image_url":{"url":"x"}}]}]}', true],
    ['{"model":"a","x":{"IMAGE_URL":"x"}}', true],
    [String.raw`{"model":"a","x":{"\u0075rl":"x"}}`, true],
    [String.raw`{"model":"a","\u0069mage":"x"}`, true],
    ['{"model":"a","x":[{"input_audio":{}}]}', true],
    ['{"model":"a","x":{"images":[]}}', true],
    ['{"model":"a","x":{"source":{}}}', true],
  ])('%s may name media: %s', (text, mayNameMedia) => {
    expect(find(text)).toMatchObject({ ok: true, found: { mayNameMedia } });
  });

  it('takes 512 levels and refuses more, however many, without running out of stack', () => {
    const nested = (depth: number): string => `{"model":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(find(nested(512))).toMatchObject({ ok: true });
    expect(find(nested(513))).toMatchObject({ ok: false, problem: 'it is nested deeper than 512 levels' });
    expect(find(`{"x":${'['.repeat(100_000)}`)).toMatchObject({ ok: false });
    expect(find(`{"x":${'{"a":'.repeat(100_000)}`)).toMatchObject({ ok: false });
  });

  it('finds what a parser finds, in any document', () => {
    fc.assert(
      fc.property(jsonObject, (text) => {
        const parsed = findByParsing(text);
        expect(parsed, 'the generator writes JSON').toBeDefined();
        if (hasOtherModel(text)) return;
        const model = typeof parsed?.model === 'string' ? parsed.model : undefined;
        expect(find(text)).toEqual({
          ok: true,
          found: { model, isStreaming: parsed?.isStreaming, mayNameMedia: anything },
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses every `model` that is not a string, whatever stands beside it', () => {
    const other = fc.oneof(numbers, fc.constantFrom('true', 'null', '{}', '[]', '{"model":"a"}', '["a"]'));
    fc.assert(
      fc.property(other, fc.boolean(), (value, isFirst) => {
        const members = isFirst ? `"model":${value},"model":"a"` : `"model":"a","model":${value}`;
        expect(find(`{${members}}`)).toMatchObject({ ok: false, problem: '`model` must be a string' });
      }),
    );
  });

  it('refuses every document that is cut off', () => {
    fc.assert(
      fc.property(jsonObject, fc.nat(), (text, cut) => {
        const bytes = Buffer.from(text.trimEnd());
        expect(find(bytes.subarray(0, cut % bytes.length))).toMatchObject({ ok: false });
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with a parser on documents with one wrong byte, strings in it aside', () => {
    const wrong = fc.constantFrom(...Array.from('{}[],:"\\ \n0-.eEtruefalsn/\'x'));
    fc.assert(
      fc.property(jsonObject, fc.nat(), wrong, (text, at, byte) => {
        const broken = text.slice(0, at % text.length) + byte + text.slice((at % text.length) + 1);
        if (hasOtherModel(broken)) return;
        const parsed = findByParsing(broken);
        const result = find(broken);
        if (parsed !== undefined) {
          const model = typeof parsed.model === 'string' ? parsed.model : undefined;
          expect(result).toEqual({
            ok: true,
            found: { model, isStreaming: parsed.isStreaming, mayNameMedia: anything },
          });
        } else if (result.ok) {
          // Skipped strings are not looked into; what is wrong must be in one.
          expect(findByParsing(withEmptyStrings(broken)), broken).toBeDefined();
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(find(bytes)).toHaveProperty('ok');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a line break in a string', '{"x":"a\nb","model":"a"}'],
    ['a NUL in a string', '{"x":"\0","model":"a"}'],
    ['an escape that there is not', String.raw`{"x":"\q\u12","model":"a"}`],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff]), Buffer.from('","model":"a"}')]),
    ],
  ])('passes %s on, for the model to judge', (_what, text) => {
    expect(find(text)).toEqual({ ok: true, found: { model: 'a', isStreaming: false, mayNameMedia: false } });
  });

  it('refuses a model name that is no valid string', () => {
    expect(find('{"model":"a\nb"}')).toMatchObject({ ok: false });
    expect(find(String.raw`{"model":"\q"}`)).toMatchObject({ ok: false });
  });

  it('refuses numbers longer than any writer makes them', () => {
    expect(find(`{"x":${'1'.repeat(400)}}`)).toMatchObject({ ok: true });
    expect(find(`{"x":${'1'.repeat(402)}}`)).toMatchObject({ ok: false });
  });
});

/** The document with every string literal emptied, by the rule that a backslash hides the next character. */
function withEmptyStrings(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\[^])*"/g, '""');
}
