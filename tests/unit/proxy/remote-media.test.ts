import { describe, expect, it } from 'vitest';
import { mayBeJson, screenMedia, type MediaScreen } from '../../../electron/engine/proxy/remote-media.ts';

const { signal } = new AbortController();

function screen(text: string, policy: MediaScreen['policy'], maxBodyBytes = 1000): Promise<Buffer> {
  const fetcher = {
    fetchAll: (addresses: readonly string[]) =>
      Promise.resolve(addresses.map((each) => `data:image/png;base64,${each.slice(-1)}`)),
  };
  return screenMedia(Buffer.from(text), { policy, fetcher, maxBodyBytes, signal });
}

const withImages =
  '{ "seed": 12345678901234567890,"x":[{"image_url" : {"url":"http:\\/\\/x/1"}},{"image_url":"http://x/2"}, {"image_url":"http://x/1"}] }';

describe('screenMedia', () => {
  it('refuses a picture at another address, and says what to do', async () => {
    await expect(screen(withImages, 'refuse')).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(/http:\/\/x\/1.*data: URL.*server\.remoteImages/) as string,
    });
  });

  it('puts pictures in and leaves every other byte as it is', async () => {
    expect((await screen(withImages, 'fetch')).toString()).toBe(
      withImages
        .replaceAll('"http:\\/\\/x/1"', '"data:image/png;base64,1"')
        .replaceAll('"http://x/1"', '"data:image/png;base64,1"')
        .replaceAll('"http://x/2"', '"data:image/png;base64,2"'),
    );
  });

  it('fetches pictures only', async () => {
    await expect(screen('{"input_audio":{"url":"http://x/1"}}', 'fetch')).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('nothing but pictures') as string,
    });
  });

  it('keeps to the limits', async () => {
    await expect(screen(withImages, 'fetch', withImages.length + 5)).rejects.toMatchObject({ code: 'too-large' });
    const many = JSON.stringify({ images: Array.from({ length: 65 }, (_, index) => `http://x/${index}`) });
    await expect(screen(many, 'fetch', 1e6)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('hands on the very bytes where there is nothing to do, or where that is wanted', async () => {
    for (const [text, policy] of [
      ['{"image_url":"data:,x"}', 'refuse'],
      [withImages, 'allow'],
      ["{'not':json", 'allow'],
    ] as const) {
      expect((await screen(text, policy)).toString()).toBe(text);
    }
  });

  it('refuses what it cannot read', async () => {
    await expect(screen("{'image_url':'http://x/1'}", 'refuse')).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('mayBeJson', () => {
  it.each([
    ['{"a":1}', undefined, true],
    [' \n[1]', 'text/plain', true],
    ['\ufeff{"a":1}', undefined, true],
    ['// x\n{"a":1}', 'application/json', true],
    [Buffer.from('{"a":1}', 'utf16le'), undefined, true],
    [Buffer.from('\ufeff{"a":1}', 'utf16le'), 'text/plain', true],
    ['', 'application/json', false],
    ['a=b', 'application/x-www-form-urlencoded', false],
    ['--x\r\n', 'multipart/form-data; boundary=x', false],
    [Buffer.from([0, 1, 2, 3]), 'application/octet-stream', false],
    [Buffer.from([0xff, 0xfb]), 'audio/mpeg', false],
  ])('%s as %s: %s', (body, type, expected) => {
    expect(mayBeJson(Buffer.from(body as string), type)).toBe(expected);
  });
});
