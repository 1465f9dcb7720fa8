import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createImageFetcher, type ImageFetcherOptions } from '../../../electron/engine/proxy/fetch-image.ts';

const PNG = Buffer.from('iVBORw0KGgo=', 'base64');

const servers: http.Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

/** A server on all addresses of the loopback, as it were both somebody's on the internet and one at home. */
async function serve(listener: RequestListener): Promise<{ port: number; hits: string[] }> {
  const hits: string[] = [];
  const server = http.createServer((request, response) => {
    hits.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    listener(request, response);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, hits };
}

const picture: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'image/png; charset=x' });
  response.end(PNG);
};

/** Here 127.0.0.1 is somebody's address on the internet if it was found under a name; as a literal it stays what it is. */
function internet(names: Record<string, string[][]> = {}): ImageFetcherOptions & { lookups: string[] } {
  const lookups: string[] = [];
  let isNamed = false;
  return {
    lookups,
    isPublic: (address) => address === '127.0.0.1' && isNamed,
    lookup(host) {
      lookups.push(host);
      isNamed = true;
      const answers = names[host];
      const found = (answers?.length === 1 ? answers[0] : answers?.shift()) ?? ['127.0.0.1'];
      return Promise.resolve(found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
    },
  };
}

const fetchOne = (address: string, options: ImageFetcherOptions, maxBytes = 10_000): Promise<string[]> =>
  createImageFetcher(options).fetchAll([address], maxBytes, new AbortController().signal);

describe('a picture somewhere else', () => {
  it('comes as data', async () => {
    const { port, hits } = await serve(picture);
    const data = await fetchOne(`http://cat.example:${port}/a?b#c`, internet());
    expect(data).toEqual([`data:image/png;base64,${PNG.toString('base64')}`]);
    expect(hits).toEqual([`cat.example:${port}/a?b`]);
  });

  it('comes by way of a redirect to somebody else', async () => {
    const { port } = await serve((request, response) => {
      if (request.url === '/here') picture(request, response);
      else response.writeHead(302, { location: `http://dog.example:${port}/here` }).end();
    });
    const options = internet();
    await expect(fetchOne(`http://cat.example:${port}/`, options)).resolves.toHaveLength(1);
    expect(options.lookups).toEqual(['cat.example', 'dog.example']);
  });

  it.each([
    ['a page', 200, 'text/html', 'it is no picture'],
    ['a program', 200, 'image/svg+xml', 'it is no picture'],
    ['nothing said', 200, '', 'it is no picture'],
    ['an error', 404, 'image/png', 'answered with 404'],
  ])('is refused if it is %s', async (_what, status, type, why) => {
    const { port } = await serve((_request, response) => {
      response.writeHead(status, type === '' ? {} : { 'content-type': type }).end('secret');
    });
    await expect(fetchOne(`http://cat.example:${port}/`, internet())).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(why) as string,
    });
  });

  it('is refused once it is too large, wherever it ends', async () => {
    let isClosed: Promise<unknown> = Promise.resolve();
    const { port } = await serve((_request, response) => {
      isClosed = once(response, 'close');
      response.writeHead(200, { 'content-type': 'image/png' });
      response.write(Buffer.alloc(20_000));
    });
    await expect(fetchOne(`http://cat.example:${port}/`, internet())).rejects.toMatchObject({ code: 'too-large' });
    await isClosed;
  });

  it('is refused if it takes too long, and given up with the request', async () => {
    const { port } = await serve(() => undefined);
    const address = `http://cat.example:${port}/`;
    await expect(fetchOne(address, { ...internet(), timeLimitMs: 50 })).rejects.toMatchObject({
      message: expect.stringContaining('it takes too long') as string,
    });
    const gone = new AbortController();
    const fetching = createImageFetcher(internet()).fetchAll([address], 1000, gone.signal);
    gone.abort(new Error('gone'));
    await expect(fetching).rejects.toThrow('gone');
  });

  it('is refused if it is redirected for ever', async () => {
    const { port, hits } = await serve((_request, response) => response.writeHead(302, { location: '/' }).end());
    await expect(fetchOne(`http://cat.example:${port}/`, internet())).rejects.toThrow('redirected too often');
    expect(hits).toHaveLength(4);
  });
});

describe('X8 a picture at home', () => {
  it.each([
    ...['http://127.0.0.1:PORT/', 'http://2130706433:PORT/', 'http://0177.0.0.1:PORT/', 'http://0x7f000001:PORT/'],
    ...['http://127.1:PORT/', 'http://0:PORT/', 'http://[::1]:PORT/', 'http://[::ffff:127.0.0.1]:PORT/'],
    ...['http://[::ffff:7f00:1]:PORT/', 'http://１２７.0.0.1:PORT/', 'http://127.0.0.1.:PORT/'],
    ...['ftp://cat.example:PORT/', 'file:///etc/passwd', 'gopher://cat.example:PORT/', '//cat.example:PORT/', 'http'],
    ...['http://user:secret@cat.example:PORT/', 'data:text/plain,x'],
  ])('%s is not asked for', async (address) => {
    const { port, hits } = await serve(picture);
    await expect(fetchOne(address.replace('PORT', String(port)), internet())).rejects.toMatchObject({
      code: 'invalid-request',
    });
    expect(hits).toEqual([]);
  });

  it.each([
    ['one address at home', [['10.0.0.1']]],
    ['one among others', [['127.0.0.1', '192.168.1.1']]],
    ['the metadata of a cloud', [['169.254.169.254']]],
    ['an address of IPv6', [['::1']]],
    ['none', [[]]],
  ])('a name that has %s is not asked for', async (_what, answers) => {
    const { port, hits } = await serve(picture);
    await expect(fetchOne(`http://cat.example:${port}/`, internet({ 'cat.example': answers }))).rejects.toMatchObject({
      code: 'invalid-request',
    });
    expect(hits).toEqual([]);
  });

  it('a name that changes its mind is asked once, and connected to where it was looked at', async () => {
    const { port, hits } = await serve(picture);
    const options = internet({ 'cat.example': [['127.0.0.1'], ['10.0.0.1']] });
    await expect(fetchOne(`http://cat.example:${port}/`, options)).resolves.toHaveLength(1);
    expect(options.lookups).toEqual(['cat.example']);
    expect(hits).toHaveLength(1);
  });

  it.each([
    'http://0.0.0.0:PORT/',
    'http://[::1]:PORT/',
    'http://home.example:PORT/',
    'file:///etc/passwd',
    '\\\\x\\y',
  ])('a redirect to %s is not followed', async (location) => {
    const { port: home, hits } = await serve(picture);
    const { port } = await serve((_request, response) => {
      response.writeHead(302, { location: location.replace('PORT', String(home)) }).end();
    });
    const options = internet({ 'home.example': [['192.168.1.1']], x: [['192.168.1.1']] });
    await expect(fetchOne(`http://cat.example:${port}/`, options)).rejects.toMatchObject({ code: 'invalid-request' });
    expect(hits).toEqual([]);
  });
});
