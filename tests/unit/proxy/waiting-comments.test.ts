import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createWaitingComments, formatWaitingComment } from '../../../electron/engine/proxy/waiting-comments.ts';
import type { WaitStatus } from '../../../electron/engine/scheduler/wait-forecast.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

const status: WaitStatus = { waitsFor: 'slot', place: 2, total: 5, modelState: 'ready', loadProgress: null };

describe('a waiting comment', () => {
  it.each<[Partial<WaitStatus>, string]>([
    [{}, ': queued 2/5'],
    [{ waitsFor: 'load', modelState: 'loading', loadProgress: 0.409 }, ': loading 40%'],
    [{ waitsFor: 'load', modelState: 'loading', loadProgress: 1 }, ': loading 99%'],
    [{ waitsFor: 'load', modelState: 'loading' }, ': loading'],
    [{ waitsFor: 'load', modelState: 'starting' }, ': starting'],
    [{ waitsFor: 'load', modelState: 'off' }, ': starting'],
    [{ waitsFor: 'room', modelState: 'off' }, ': waiting for room'],
    [{ waitsFor: 'restart-delay', modelState: 'crashed' }, ': waiting for restart'],
    [{ waitsFor: 'lane' }, ': waiting for lane'],
    [{ waitsFor: 'eject', modelState: 'stopping' }, ': waiting for unload'],
  ])('for %j is %s, and a blank line', (changes, expected) => {
    expect(formatWaitingComment({ ...status, ...changes })).toBe(`${expected}\n\n`);
  });
});

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Both ends of a request that waits. */
async function openExchange(): Promise<{ response: ServerResponse; client: http.ClientRequest }> {
  const server = http.createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const client = http.request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  client.on('error', () => undefined); // The server is closed under it when the test is over.
  client.end();
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  return { response, client };
}

async function readText(client: http.ClientRequest): Promise<{ answer: IncomingMessage; text: string }> {
  const [answer] = (await once(client, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of answer as AsyncIterable<Buffer>) text += part.toString();
  return { answer, text };
}

describe('waiting comments', () => {
  const settings = { isEnabled: true, afterMs: 2000, intervalMs: 5000 };

  it('come after the silence and then at intervals, each with the state of that moment, until they are stopped', async () => {
    const clock = createFakeClock();
    const { response, client } = await openExchange();
    let place = 3;
    const comments = createWaitingComments({
      response,
      clock,
      settings,
      waitStatus: (id) => ({ ...status, place: place--, total: id === 'r7' ? 3 : 0 }),
    });
    comments.onQueued('r7');
    clock.advance(1999);
    expect(response.headersSent).toBe(false);
    clock.advance(1);
    expect(response.headersSent).toBe(true);
    clock.advance(9999);
    comments.stop();
    comments.stop();
    expect(clock.timerCount()).toBe(0);
    clock.advance(60_000);
    response.end('data: x\n\n');
    const { answer, text } = await readText(client);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    expect(text).toBe(': queued 3/3\n\n: queued 2/3\n\ndata: x\n\n');
  });

  it('send nothing, and set no timer any more, once the request does not wait or its client has gone', async () => {
    const clock = createFakeClock();
    const { response } = await openExchange();
    createWaitingComments({ response, clock, settings, waitStatus: () => undefined }).onQueued('r1');
    clock.advance(2000);
    expect(response.headersSent).toBe(false);
    response.destroy();
    createWaitingComments({ response, clock, settings, waitStatus: () => status }).onQueued('r1');
    clock.advance(2000);
    expect(response.headersSent).toBe(false);
    expect(clock.timerCount()).toBe(0);
  });

  it('do not pile up for a client that does not read', async () => {
    const clock = createFakeClock();
    const { response } = await openExchange();
    createWaitingComments({ response, clock, settings, waitStatus: () => status }).onQueued('r1');
    clock.advance(2000);
    while (response.write(Buffer.alloc(1 << 20))) await new Promise(setImmediate);
    const pendingBytes = response.writableLength;
    clock.advance(500_000);
    expect(response.writableLength).toBe(pendingBytes);
  });
});

describe('a note of a load', () => {
  const silent = { isEnabled: false, afterMs: 2000, intervalMs: 5000 };
  const note = 'data: {"loading":"a"}\n\n';

  it('goes out at once where the model has to be loaded, though no comments are wanted', async () => {
    const clock = createFakeClock();
    const { response, client } = await openExchange();
    const waitStatus = (): WaitStatus => ({ ...status, waitsFor: 'load', modelState: 'off' });
    const comments = createWaitingComments({ response, clock, settings: silent, waitStatus, note });
    comments.onQueued('r7');
    clock.advance(60_000);
    comments.stop();
    response.end();
    const { answer, text } = await readText(client);
    expect([answer.statusCode, answer.headers['content-type'], text]).toEqual([200, 'text/event-stream', note]);
  });

  it.each(['slot', 'lane'] as const)('is not sent to one that waits for a %s', async (waitsFor) => {
    const clock = createFakeClock();
    const { response } = await openExchange();
    const waitStatus = (): WaitStatus => ({ ...status, waitsFor });
    const comments = createWaitingComments({ response, clock, settings: silent, waitStatus, note });
    comments.onQueued('r7');
    clock.advance(60_000);
    expect(response.headersSent).toBe(false);
  });

  it('is not sent once the wait is over', async () => {
    const clock = createFakeClock();
    const { response } = await openExchange();
    const waitStatus = (): WaitStatus => ({ ...status, waitsFor: 'load' });
    const comments = createWaitingComments({ response, clock, settings: silent, waitStatus, note });
    comments.onQueued('r7');
    comments.stop();
    clock.advance(60_000);
    expect(response.headersSent).toBe(false);
  });
});
