import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestFolder, startCorral, type TestCorral } from './support/corral.ts';

/** A model's server that fetches every address it is told, the way llama-server fetches pictures. */
const credulousServer = `
import { createServer } from 'node:http';
const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return response.end('{}');
  let text = '';
  for await (const chunk of request) text += chunk.toString();
  const found = JSON.stringify(JSON.parse(text)).match(/https?:[^"]+/gi) ?? [];
  for (const address of found) await fetch(address, { redirect: 'follow' }).catch(() => undefined);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ fetched: found.length, text }));
});
server.listen(Number(process.argv[2]), '127.0.0.1');
`;

let canary: http.Server;
let port: number;
let hits: string[] = [];
let corral: TestCorral | undefined;

beforeAll(async () => {
  canary = http.createServer((request, response) => {
    hits.push(request.url ?? '');
    if (request.url === '/redirect') response.writeHead(302, { location: '/elsewhere' }).end();
    else response.writeHead(200, { 'content-type': 'image/png' }).end('png');
  });
  canary.listen(0);
  await once(canary, 'listening');
  ({ port } = canary.address() as AddressInfo);
});
afterEach(async () => {
  hits = [];
  await corral?.stop();
  corral = undefined;
});
afterAll(() => canary.close());

async function start(remoteImages?: string): Promise<TestCorral> {
  const folder = await createTestFolder();
  const script = await folder.write('server.mjs', credulousServer);
  const server = remoteImages === undefined ? {} : { remoteImages };
  corral = await startCorral(
    { server, models: { one: { command: [process.execPath, script, '${PORT}'] } } },
    { folder },
  );
  return corral;
}

const forms: ((address: string) => unknown)[] = [
  (url) => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }),
  (url) => ({ input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }] }),
  (url) => ({ messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }] }] }),
  (url) => ({ messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { url } }] }] }),
];

const routes = ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/completion', '/upstream/one/v1/anything'];

const addresses = (): string[] => [
  `http://127.0.0.1:${port}/plain`,
  `http://localhost:${port}/name`,
  `http://2130706433:${port}/decimal`,
  `http://0177.0.0.1:${port}/octal`,
  `http://0x7f.1:${port}/hexadecimal`,
  `http://[::1]:${port}/ipv6`,
  `http://[::ffff:127.0.0.1]:${port}/mapped`,
  `http://127.0.0.1:${port}/redirect`,
];

/** The address with its first letter escaped, which no search of the bytes for `http` finds. */
const escapeAddress = (text: string): string => text.replaceAll('http', String.raw`\u0068ttp`);
const escapeKeys = (text: string): string => text.replaceAll('"image_url"', String.raw`"im\u0061ge_url"`);

describe('X8 a picture at an address of this machine', () => {
  it.each([undefined, 'fetch'])('is fetched by nobody: server.remoteImages %s', async (policy) => {
    const { post } = await start(policy);
    for (const address of addresses()) {
      for (const [index, form] of forms.entries()) {
        const route = routes[(index + address.length) % routes.length] ?? '';
        const plain = JSON.stringify({ model: 'one', ...(form(address) as object) });
        for (const body of [plain, escapeAddress(plain), escapeKeys(plain)]) {
          const response = await post(route, body);
          const text = await response.text();
          expect(response.status, `${route} ${body} ${text}`).toBe(400);
          expect(response.headers.get('x-corral-error')).toBe('invalid-request');
        }
      }
    }
    expect(hits).toEqual([]);
  });

  it('is fetched by nobody where the body is no JSON that Corral reads', async () => {
    const { post } = await start();
    const url = `http://127.0.0.1:${port}/odd`;
    const json = JSON.stringify({ messages: [{ content: [{ image_url: url }] }] });
    for (const body of [`/* " */${json}`, json.slice(0, -1), json.replaceAll('"', "'")]) {
      const response = await post('/upstream/one/v1/chat/completions', body);
      expect(response.status, body).toBe(400);
      await response.text();
    }
    const utf16 = await post('/upstream/one/x', '', { body: Buffer.from(json, 'utf16le') });
    expect(utf16.status).toBe(400);
    expect(hits).toEqual([]);
  });

  it('starts no model', async () => {
    const { post, model } = await start();
    const response = await post('/v1/chat/completions', { model: 'one', ...(forms[0]?.('http://x/') as object) });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('data: URL');
    expect(model('one').state).toBe('off');
  });

  it('is left to the model’s server where the owner allows it', async () => {
    const { post } = await start('allow');
    const url = `http://127.0.0.1:${port}/allowed`;
    const response = await post('/v1/chat/completions', { model: 'one', ...(forms[0]?.(url) as object) });
    expect(response.status).toBe(200);
    expect(hits).toEqual(['/allowed']);
  });
});

it('a picture in the request itself, and an address in its text, go on as they are', async () => {
  const { post } = await start();
  const body =
    '{ "model":"one","n":12345678901234567890,"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,QUJD"}}]}],' +
    '"metadata":{"image":"file"},"prompt":"see \\u0068ttps://x.invalid/a \\"image_url\\""}';
  const response = await post('/v1/chat/completions', body);
  expect(response.status).toBe(200);
  expect(((await response.json()) as { text: string }).text).toBe(body);
});
