import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { findRequestedModel } from '../../../electron/engine/proxy/find-model.ts';

async function findModel(contentType: string | undefined, body: string | Buffer | undefined, query = '') {
  const request = {
    headers: contentType === undefined ? {} : { 'content-type': contentType },
  } as unknown as IncomingMessage;
  const bytes = body === undefined ? undefined : Buffer.from(body as string);
  return await findRequestedModel(request, query === '' ? '' : `?${query}`, bytes);
}

const boundary = '----corral-test';
const multipart = `multipart/form-data; boundary=${boundary}`;
const field = (name: string, value: string): string =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string, content: string): string =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n${content}\r\n`;
const end = `--${boundary}--\r\n`;

describe('findRequestedModel', () => {
  const json = '{"model":"qwen","stream":true}';

  it.each([
    ['JSON', 'application/json', json],
    ['JSON with a charset', 'Application/JSON; charset=utf-8', json],
    ['JSON without a type', undefined, json],
    ['JSON as text', 'text/plain', json],
    ['JSON under the type that curl sends', 'application/x-www-form-urlencoded', json],
    ['JSON behind spaces under that type', 'application/x-www-form-urlencoded', `\n  ${json}`],
    ['a urlencoded form', 'application/x-www-form-urlencoded; charset=UTF-8', 'model=qwen&stream=true'],
    ['a multipart form', multipart, field('model', 'qwen') + field('stream', 'true') + end],
    [
      'a multipart form with the file first',
      multipart,
      file('file', '--fake--') + field('stream', 'true') + field('model', 'qwen') + end,
    ],
    [
      'a multipart form with a quoted boundary',
      `multipart/form-data; boundary="${boundary}"`,
      field('stream', 'true') + field('model', 'qwen') + end,
    ],
  ])('finds model and stream in %s', async (_what, type, body) => {
    expect(await findModel(type, body)).toMatchObject({ name: 'qwen', isStreaming: true });
  });

  it.each(['org/model:7b', 'a b', 'ü', 'model%2Fname'])('takes the name %j as it is from every place', async (name) => {
    const encoded = encodeURIComponent(name);
    expect((await findModel('application/json', JSON.stringify({ model: name }))).name).toBe(name);
    expect((await findModel('application/x-www-form-urlencoded', `model=${encoded}`)).name).toBe(name);
    expect((await findModel(multipart, field('model', name) + end)).name).toBe(name);
    expect((await findModel(undefined, undefined, `model=${encoded}`)).name).toBe(name);
  });

  it('prefers the body to the query, and falls back on the query', async () => {
    expect((await findModel('application/json', '{"model":"a"}', 'model=b')).name).toBe('a');
    expect((await findModel('application/json', '{}', 'model=b')).name).toBe('b');
  });

  it.each([
    ['no name in JSON', 'application/json', '{"messages":[]}'],
    ['an empty name', 'application/json', '{"model":""}'],
    ['no name in a form', 'application/x-www-form-urlencoded', 'x=1'],
    ['no name in a multipart form', multipart, field('x', '1') + end],
    ['a file called model', multipart, file('model', 'qwen') + end],
    ['neither body nor query', undefined, undefined],
  ])('misses the model with %s', async (_what, type, body) => {
    await expect(findModel(type, body)).rejects.toMatchObject({ code: 'model-missing' });
  });

  it.each([
    ['an empty body', 'application/json', ''],
    ['a body that is not JSON', 'application/json', 'model=qwen'],
    ['a list', 'application/json', '[]'],
    ['a multipart form without a boundary', 'multipart/form-data', field('model', 'qwen') + end],
    ['a multipart form with another boundary', 'multipart/form-data; boundary=other', field('model', 'qwen') + end],
    ['a multipart form that is JSON', multipart, json],
    ['an empty multipart form', multipart, ''],
    [
      'a multipart form cut off in a field',
      multipart,
      `--${boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nqw`,
    ],
    ['a multipart form cut off in a header', multipart, `--${boundary}\r\nContent-Dispo`],
  ])('refuses %s', async (_what, type, body) => {
    await expect(findModel(type, body)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  // The parser reports this on the file's stream, too, where an error that nobody hears ends the whole program.
  it('refuses a multipart form that is cut off in a file, without an uncaught error', async () => {
    const uncaught: Error[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const body = field('model', 'qwen') + file('file', 'RIFF....').slice(0, -6);
      await expect(findModel(multipart, body)).rejects.toMatchObject({ code: 'invalid-request' });
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(uncaught.map((error) => error.message)).toEqual([]);
  });

  it('never repeats the body in its errors', async () => {
    await expect(findModel('application/json', '{"messages":"canary"')).rejects.not.toThrow(/canary/);
    await expect(findModel(multipart, 'canary')).rejects.not.toThrow(/canary/);
  });
});
