import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { startCorralProcess, type CorralProcess } from '../support/corral-process.ts';
import { createTestFolder, fakeModel, type TestFolder } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';

let folder: TestFolder | undefined;
let corral: CorralProcess | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await corral?.end('SIGTERM');
  await folder?.dispose();
});

const head = (method: string, target: string): string =>
  `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;

/** What a slow socket says at once, and what a byte at a time goes on with, a second each. */
const kinds: readonly { readonly start: string; readonly dribble: string }[] = [
  { start: '', dribble: '' },
  { start: '', dribble: 'GET /v1/models HTTP/1.1\r\n' },
  { start: head('GET', '/v1/models'), dribble: 'X-Header: abcdefghijklmnopqrstuvwxyz' },
  { start: `${head('POST', '/v1/chat/completions')}Content-Length: 100000\r\n\r\n`, dribble: '' },
  {
    start: `${head('POST', '/v1/chat/completions')}Content-Length: 100000\r\n\r\n{"model":"one"`,
    dribble: ' '.repeat(40),
  },
  { start: `${head('POST', '/v1/chat/completions')}Transfer-Encoding: chunked\r\n\r\n`, dribble: '5\r\n{"mod\r\n' },
  { start: `${head('POST', '/upstream/one/x')}Content-Length: 100000\r\n\r\n`, dribble: ' '.repeat(40) },
  { start: `${head('POST', '/nothing')}Content-Length: 100000\r\n\r\n`, dribble: ' '.repeat(40) },
  { start: `${head('GET', '/health')}Content-Length: 100000\r\n\r\n`, dribble: ' '.repeat(40) },
  {
    start: `${head('POST', '/control/commands/get-snapshot')}Content-Length: 100000\r\n\r\n`,
    dribble: '{}'.repeat(20),
  },
];

/** How long it was open, once it is closed; a socket that is merely half closed is not. */
async function openSlowSocket(
  port: number,
  { start, dribble }: (typeof kinds)[number],
): Promise<() => Promise<number>> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => socket.destroy()).resume();
  const closed = new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now())));
  await once(socket, 'connect');
  const openedMs = performance.now();
  if (start !== '') socket.write(start);
  let at = 0;
  const timer = setInterval(() => {
    if (at < dribble.length) socket.write(dribble.charAt(at));
    at += 1;
  }, 1000);
  return async () => {
    const closedMs = await Promise.race([closed, sleep(25_000, Number.POSITIVE_INFINITY, { ref: false })]);
    clearInterval(timer);
    return closedMs - openedMs;
  };
}

const count = scaled({ short: 200, long: 2000 });

it(`X10 ${count} slow sockets are closed in 15 s, and others hardly notice them ${form}`, async () => {
  folder = await createTestFolder();
  const running = await startCorralProcess(folder, { models: { one: fakeModel({ name: 'one' }) } });
  corral = running;
  await running.bridge.call('load-model', { model: 'one' });
  const port = Number(new URL(running.address).port);

  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const ask = async (): Promise<number> => {
    const startedMs = performance.now();
    const request = http.request(`${running.address}/v1/chat/completions`, { method: 'POST', agent });
    request.setHeader('content-type', 'application/json');
    request.end('{"model":"one","messages":[]}');
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await once(response, 'end');
    return performance.now() - startedMs;
  };
  await ask();

  const slow = await Promise.all(
    Array.from({ length: count }, (_, index) => openSlowSocket(port, kinds[index % kinds.length] ?? kinds[0]!)),
  );
  const latenciesMs: number[] = [];
  let isOver = false;
  const others = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) {
        latenciesMs.push(await ask());
        await sleep(20);
      }
    }),
  );
  const openMs = await Promise.all(slow.map((whenClosed) => whenClosed()));
  isOver = true;
  await others;
  agent.destroy();

  const slowest = kinds.map((_, kind) => Math.max(...openMs.filter((_ms, index) => index % kinds.length === kind)));
  for (const [kind, ms] of slowest.entries()) expect(ms, kinds[kind]?.start).toBeLessThan(15_000);
  latenciesMs.sort((one, other) => one - other);
  expect(latenciesMs.length).toBeGreaterThan(100);
  expect(latenciesMs[Math.floor(latenciesMs.length * 0.99)]).toBeLessThan(500);
}, 90_000);
