import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openEndpoint, type Endpoint } from '../../../electron/engine/supervisor/endpoint.ts';
import { watchHealth } from '../../../electron/engine/supervisor/health-watch.ts';
import { createFakeClock, type FakeClock } from '../../fakes/fake-clock.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Scene {
  readonly clock: FakeClock;
  readonly endpoint: Endpoint;
  /** The next question about its health. */
  asked(): Promise<unknown>;
  readonly count: { asked: number };
  readonly hung: number[];
}

async function watchServer(): Promise<Scene> {
  const clock = createFakeClock();
  const count = { asked: 0 };
  const server = http.createServer((_request, response) => {
    count.asked += 1;
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const listen = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const endpoint = openEndpoint({
    listen,
    apiKey: undefined,
    advertisedIdleMs: undefined,
    connectTimeoutMs: 500,
    clock,
  });
  const hung: number[] = [];
  const end = watchHealth({ endpoint, path: '/health', busyPatienceMs: 60_000, clock, onHung: (ms) => hung.push(ms) });
  cleanups.push(
    () => server.close(),
    () => server.closeAllConnections(),
    () => endpoint.close(),
    end,
  );
  return { clock, endpoint, asked: () => once(server, 'request'), count, hung };
}

describe('the watch over a ready process', () => {
  it('asks where nothing was heard of it', async () => {
    const { clock, asked, count } = await watchServer();
    const question = asked();
    clock.advance(2000);
    await question;
    expect(count.asked).toBe(1);
  });

  it('does not ask while pieces of answers come, and asks soon after the last', async () => {
    const { clock, endpoint, asked, count, hung } = await watchServer();
    clock.advance(1999);
    for (let second = 0; second < 60; second += 1) {
      endpoint.piecesSeen += 1;
      clock.advance(500);
    }
    expect(count.asked).toBe(0);
    expect(hung).toEqual([]);
    const question = asked();
    clock.advance(500);
    await question;
    expect(count.asked).toBe(1);
  });
});
