import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answerPull, progressLines, type PullService, type PullView } from '../../../electron/engine/ollama/pull.ts';
import { AppError } from '../../../shared/contract/errors.ts';

let server: http.Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  if (server?.listening === true) await once(server, 'close');
});

/** A download that goes as far as it is told. */
function createDownload() {
  const listeners = new Set<(view: PullView) => void>();
  let finish: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  finished.catch(() => undefined); // Heard by those who wait.
  const view = (receivedBytes: number, id = 'd1'): PullView => ({
    id,
    state: 'downloading',
    files: [{ path: 'a.gguf', sizeBytes: 100, receivedBytes, digest: 'abcdef0123456789' }],
  });
  const service: PullService = {
    start(source) {
      if (source.includes('..')) throw new AppError('invalid-request', 'That names no repository.');
      return { ...view(0), state: 'looking-up' };
    },
    wait: (_id, signal) =>
      Promise.race([
        finished,
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        }),
      ]),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const tell = (told: PullView): void => listeners.forEach((listener) => listener(told));
  return { service, view, tell, finish, fail, listeners };
}

async function serve(service: PullService, source: string, isStreaming: boolean): Promise<string> {
  server = http.createServer((_request, response) => void answerPull(response, { service, source, isStreaming }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const linesOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

describe('a pull', () => {
  it('tells how far it is, a line a change, and that it is done', async () => {
    const download = createDownload();
    const response = await fetch(await serve(download.service, 'user/repo', true));
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    download.tell(download.view(40));
    download.tell(download.view(40));
    download.tell(download.view(7, 'another'));
    download.tell(download.view(100));
    download.finish();
    const file = { status: 'pulling abcdef012345', digest: 'sha256:abcdef0123456789', total: 100 };
    expect(linesOf(await response.text())).toEqual([
      { status: 'pulling manifest' },
      { ...file, completed: 40 },
      { ...file, completed: 100 },
      { status: 'verifying sha256 digest' },
      { status: 'writing manifest' },
      { status: 'success' },
    ]);
    expect(download.listeners.size).toBe(0);
  });

  it('tells its end alone to who does not stream', async () => {
    const download = createDownload();
    const asked = serve(download.service, 'user/repo', false).then((address) => fetch(address));
    download.finish();
    const response = await asked;
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toEqual({ status: 'success' });
  });

  it('that fails says why: as a line once it has begun, else with a status', async () => {
    const download = createDownload();
    download.fail(new AppError('forbidden', 'The repository is gated.'));
    const streamed = await fetch(await serve(download.service, 'user/repo', true));
    expect(linesOf(await streamed.text()).at(-1)).toEqual({ error: 'The repository is gated.' });
    server?.close();
    const plain = await fetch(await serve(download.service, 'user/repo', false));
    expect(plain.status).toBe(403);
    server?.close();
    const nothing = await fetch(await serve(download.service, 'a/..', true));
    expect(nothing.status).toBe(400);
    expect(await nothing.json()).toEqual({ error: 'That names no repository.' });
  });

  it('goes on without the client who asked for it', async () => {
    const download = createDownload();
    const gone = new AbortController();
    const response = await fetch(await serve(download.service, 'user/repo', true), { signal: gone.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    expect(download.listeners.size).toBe(1);
    gone.abort();
    while (download.listeners.size > 0) await new Promise((resolve) => setImmediate(resolve));
    download.tell(download.view(50));
  });
});

it('progress is told of what is on its way, and without an amount before anything came', () => {
  const { view } = createDownload();
  expect(progressLines({ ...view(0), state: 'looking-up' })).toEqual([]);
  expect(progressLines(view(0))).toEqual([
    { status: 'pulling abcdef012345', digest: 'sha256:abcdef0123456789', total: 100 },
  ]);
});
