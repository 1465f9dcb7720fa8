import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { openDoor } from '../support/dialect-door.ts';

let folder: TestFolder;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await createTestFolder();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await folder.dispose();
});

interface Peer {
  readonly proxy: string;
  readonly asked: { path: string; authorization: string | undefined; model: unknown }[];
}

/** A server of the OpenAI kind below a path of its own. */
async function startPeer(): Promise<Peer> {
  const asked: Peer['asked'] = [];
  const server = http.createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '', headers } = request;
      if (request.method === 'POST') {
        const { model } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { model: unknown };
        asked.push({ path: url, authorization: headers.authorization, model });
      }
      const body = { object: 'list', data: [{ id: 'far' }], choices: [{ message: { content: 'From afar.' } }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return { proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`, asked };
}

it('R4.2 asks a peer for its models, with its key and below its path, through llama-swap’s own address', async () => {
  const peer = await startPeer();
  const document = {
    models: { near: { cmd: 'llama-server --port ${PORT} -m near.gguf', proxy: 'http://127.0.0.1:${PORT}' } },
    peers: { lab: { proxy: peer.proxy, apiKey: 'sk-lab', models: ['far'] } },
  };
  const door = await openDoor(document, folder);
  cleanups.push(() => door.corral.stop());
  await eventually('the peer is healthy', () =>
    door.corral.engine.snapshot().pools.every(({ endpoints }) => endpoints.every(({ health }) => health === 'healthy')),
  );

  const list = (await (await door.get('/v1/models')).json()) as { data: unknown[] };
  expect(list.data).toMatchObject([
    { id: 'near', owned_by: 'llama-swap' },
    { id: 'far', owned_by: 'llama-swap', name: 'lab: far', meta: { llamaswap: { peerID: 'lab' } } },
  ]);

  const answer = await door.post('/v1/chat/completions', { model: 'far', messages: [] });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('From afar.');
  expect(peer.asked).toEqual([{ path: '/base/v1/chat/completions', authorization: 'Bearer sk-lab', model: 'far' }]);

  expect((await door.post('/v1/chat/completions', { model: 'farther', messages: [] })).status).toBe(404);
  expect(door.corral.engine.snapshot().models).toMatchObject([{ id: 'near', state: 'off' }]);
});
