import fc from 'fast-check';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../shared/contract/errors.ts';
import { createHttpBridge, readEventData, type HttpBridgeOptions } from '../../../shared/contract/http-bridge.ts';
import { snapshotOf } from '../../fakes/views.ts';

function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

async function readAll(text: string | Uint8Array, sizes: readonly number[] = [1_000_000]): Promise<string[]> {
  const bytes = Buffer.from(text as string);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = sizes[parts.length % sizes.length] ?? 1;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  const found: string[] = [];
  for await (const data of readEventData(streamOf(parts))) found.push(data);
  return found;
}

describe('readEventData', () => {
  it.each([
    ['data: a\n\n', ['a']],
    ['data:a\n\n', ['a']],
    ['data:  a\n\n', [' a']],
    ['data: a\ndata: b\n\n', ['a\nb']],
    ['data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['data: a\r\rdata: b\r\r\n', ['a', 'b']],
    [': comment\n\ndata: a\n\n', ['a']],
    ['event: x\nid: 7\nretry: 10\ndata: a\n\n', ['a']],
    ['data\n\n', []],
    ['\n\n\n', []],
    ['data: cut off', []],
    ['data: cut off\n', []],
  ])('of %j is %j', async (text, expected) => {
    expect(await readAll(text)).toEqual(expected);
  });

  it('does not depend on how the bytes were split', async () => {
    const line = fc.constantFrom('data: {"a":"ä🐎"}', 'data: x', ': comment', 'event: change', '', '');
    const lines = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(lines, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), async (parts, sizes) => {
        const text = parts.map(([content, ending]) => content + ending).join('');
        expect(await readAll(text, sizes)).toEqual(await readAll(text));
      }),
      { numRuns: 300 },
    );
  });
});

describe('createHttpBridge against something that is not Corral', () => {
  let server: http.Server | undefined;
  afterEach(async () => {
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
    server = undefined;
  });

  async function bridgeTo(answer: http.RequestListener, options: Partial<HttpBridgeOptions> = {}) {
    server = http.createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return createHttpBridge({ address: `http://127.0.0.1:${port}`, token: 'canary-token', ...options });
  }

  async function failureOf(answer: http.RequestListener): Promise<unknown> {
    const bridge = await bridgeTo(answer);
    try {
      return await bridge.call('get-snapshot', {}).then(
        () => new Error('it was answered'),
        (thrown: unknown) => thrown,
      );
    } finally {
      bridge.close();
    }
  }

  // The contract promises an AppError, whatever the other end is.
  it.each<[string, http.RequestListener]>([
    ['an error page', (_request, response) => response.writeHead(500).end('<html>nope</html>')],
    ['an error of another shape', (_request, response) => response.writeHead(404).end('{"error":{"message":"x"}}')],
    ['a page', (_request, response) => response.end('<html>hello</html>')],
    ['other JSON', (_request, response) => response.end('{"sequence":"one"}')],
    ['nothing', (_request, response) => response.end()],
    [
      'half of an answer',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{"sequence":', () => response.destroy());
      },
    ],
    ['a cut connection', (_request, response) => response.destroy()],
  ])('rejects with an AppError on %s', async (_what, answer) => {
    const failure = await failureOf(answer);
    expect(failure).toBeInstanceOf(AppError);
    expect((failure as AppError).message).not.toContain('canary');
  });

  it('says where nothing listens', async () => {
    const bridge = await bridgeTo(() => undefined);
    const { port } = server?.address() as AddressInfo;
    server?.close();
    server = undefined;
    await expect(bridge.call('get-snapshot', {})).rejects.toMatchObject({
      code: 'upstream-unavailable',
      message: expect.stringContaining(`http://127.0.0.1:${port}`) as string,
    });
    bridge.close();
  });

  it('takes a stream that has gone silent for a lost one, and comes back', async () => {
    let connections = 0;
    const bridge = await bridgeTo(
      (_request, response) => {
        connections += 1;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${JSON.stringify(snapshotOf({ sequence: connections }))}\n\n`);
      },
      { silenceLimitMs: 50, reconnectDelaysMs: [1] },
    );
    const heard: string[] = [];
    await new Promise<void>((resolve) => {
      bridge.subscribe({
        onUpdate({ snapshot }) {
          heard.push(`snapshot ${snapshot.sequence}`);
          if (snapshot.sequence === 2) resolve();
        },
        onDisconnect: (reason) => heard.push(reason),
      });
    });
    bridge.close();
    expect(heard).toEqual(['snapshot 1', expect.stringContaining('nothing was heard'), 'snapshot 2']);
  });

  it('rejects with the reason of the caller’s own signal', async () => {
    const bridge = await bridgeTo(() => undefined);
    const gone = new AbortController();
    const call = bridge.call('get-snapshot', {}, gone.signal);
    const reason = new AppError('cancelled', 'No longer wanted.');
    gone.abort(reason);
    await expect(call).rejects.toBe(reason);
    bridge.close();
  });
});
