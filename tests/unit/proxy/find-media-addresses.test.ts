import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonKeys } from '../../../electron/engine/proxy/find-json-keys.ts';
import { findMediaAddresses } from '../../../electron/engine/proxy/find-media-addresses.ts';

const EVIL = 'http://127.0.0.1:9/canary';

function find(body: unknown): { address: string; isImage: boolean }[] | undefined {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const result = findMediaAddresses(bytes);
  if (!result.ok) return undefined;
  for (const { from, end, address } of result.addresses) {
    expect(JSON.parse(bytes.toString('utf8', from, end))).toBe(address);
  }
  return result.addresses.map(({ address, isImage }) => ({ address, isImage }));
}

const part = (content: unknown): unknown => ({ model: 'a', messages: [{ role: 'user', content: [content] }] });

const named: [string, unknown, boolean][] = [
  ['a chat part', part({ type: 'image_url', image_url: { url: EVIL } }), true],
  ['a chat part with the address itself', part({ type: 'image_url', image_url: EVIL }), true],
  ['a part of Responses', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: EVIL }] }] }, true],
  ['a file of Responses', { input: [{ content: [{ type: 'input_file', file_url: EVIL }] }] }, false],
  ['a part of Anthropic', part({ type: 'image', source: { type: 'url', url: EVIL } }), true],
  [
    'a result of a tool',
    part({ type: 'tool_result', content: [{ type: 'image', source: { type: 'url', url: EVIL } }] }),
    true,
  ],
  ['sound', part({ type: 'input_audio', input_audio: { url: EVIL, format: 'wav' } }), false],
  ['sound where data belongs', part({ type: 'input_audio', input_audio: { data: EVIL, format: 'wav' } }), false],
  ['a film', part({ type: 'video_url', video_url: { url: EVIL } }), false],
  ['a typed part', part({ type: 'image', url: EVIL }), true],
  ['a typed part, type last', part({ url: EVIL, type: 'image' }), true],
  ['a typed part by its name', part({ type: 'image', image: EVIL }), true],
  ['a list of pictures', { images: ['QUJD', EVIL] }, true],
  ['a list of objects', { images: [{ image_url: EVIL }] }, true],
  ['a key in capitals', part({ type: 'image_url', Image_URL: { URL: EVIL } }), true],
  ['a scheme in capitals', part({ image_url: { url: 'HTTPS://x.example/' } }), true],
  ['space in front', part({ image_url: { url: `${' \n'.repeat(400)}${EVIL}` } }), true],
  ['a scheme taken apart', part({ image_url: { url: 'ht\ntp://x.example/' } }), true],
  ['half a scheme', part({ image_url: { url: 'http//x.example/' } }), true],
  ['another scheme', part({ image_url: { url: 'ftp://x.example/' } }), true],
];

/** The same JSON with every letter of its texts escaped. */
function escaped(body: unknown): string {
  return JSON.stringify(body).replaceAll(/"((?:[^"\\]|\\.)*)"/g, (_text, content: string) => {
    const units = (JSON.parse(`"${content}"`) as string).split('');
    return `"${units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
  });
}

describe('findMediaAddresses', () => {
  it.each(named)('finds %s', (_what, body, isImage) => {
    expect(find(body)).toEqual([{ address: expect.stringMatching(/\/\//) as string, isImage }]);
    expect(find(escaped(body))).toHaveLength(1);
    expect(find(JSON.stringify(body, undefined, 2))).toHaveLength(1);
    expect(find(JSON.stringify(body).replaceAll('/', String.raw`\/`))).toHaveLength(1);
  });

  it.each(named)('is asked about %s at all', (_what, body) => {
    for (const text of [JSON.stringify(body), escaped(body)]) {
      expect(findJsonKeys(Buffer.from(text))).toMatchObject({ ok: true, found: { mayNameMedia: true } });
    }
  });

  it.each([
    ['data', part({ type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } })],
    ['bare base64', part({ type: 'image', source: { type: 'base64', data: '//9jZmY=' } })],
    ['base64 in lines', part({ input_audio: { data: 'QUJD'.repeat(19).concat('\n').repeat(500) } })],
    ['a file of a folder that the owner opened', part({ image_url: { url: 'file://cat.png' } })],
    ['an address in a text', part({ type: 'text', text: `see ${EVIL} {"image_url":{"url":"${EVIL}"}}` })],
    ['a schema of a tool', { tools: [{ parameters: { properties: { image_url: { default: EVIL } } } }] }],
    ['what a tool was called with', part({ type: 'tool_use', input: { image_url: EVIL } })],
    ['a result of a search', part({ type: 'web_search_result', url: EVIL })],
    ['what the client notes about itself', { metadata: { image: EVIL } }],
  ])('leaves %s alone', (_what, body) => {
    expect(find(body)).toEqual([]);
  });

  it('sees every one of a repeated key, whichever a parser takes', () => {
    const good = '"url":"data:,x"';
    for (const members of [`${good},"url":"${EVIL}"`, `"url":"${EVIL}",${good}`]) {
      expect(find(`{"image_url":{${members}}}`)).toHaveLength(1);
    }
    expect(find(`{"type":"image","type":"text","url":"${EVIL}"}`)).toHaveLength(1);
    expect(find(`{"type":"text","type":"image","url":"${EVIL}"}`)).toHaveLength(1);
  });

  it.each([
    ['a comment with a quote in it', `/* " */ {"image_url": "${EVIL}"}`],
    ['single quotes', `{'image_url': '${EVIL}'}`],
    ['a line comment', `{ // "\n "image_url": "${EVIL}"}`],
    ['what is cut off', `{"image_url": "${EVIL}"`],
    ['a bracket too many', '{"a":[}]'],
    ['UTF-16', Buffer.from(`{"image_url":"${EVIL}"}`, 'utf16le').toString('latin1')],
    ['endless nesting', '['.repeat(100_000)],
  ])('does not pretend to have read %s', (_what, text) => {
    expect(find(text)).toBeUndefined();
  });

  it('reads the numbers that only some parsers know', () => {
    expect(find(`{"a":[NaN,-Infinity,1e5],"image_url":"${EVIL}"}`)).toHaveLength(1);
  });

  it('finds a part anywhere in any document', () => {
    const around = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constant({ type: 'image_url', image_url: { url: EVIL } }),
        fc.array(tie('value'), { minLength: 1, maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'content', 'messages', 'url', 'type'), tie('value'), { minKeys: 1 }),
      ),
    })).value;
    fc.assert(
      fc.property(around, fc.boolean(), (value, isEscaped) => {
        const text = isEscaped ? escaped(value) : JSON.stringify(value);
        const count = JSON.stringify(value).split(EVIL).length - 1;
        expect(find(text)).toHaveLength(count);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(findMediaAddresses(Buffer.from(bytes))).toHaveProperty('ok');
      }),
      { numRuns: 1000 },
    );
  });
});
