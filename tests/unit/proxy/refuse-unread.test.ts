import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { systemClock } from '../../../electron/engine/ports/clock.ts';
import { refuseUnread } from '../../../electron/engine/proxy/refuse-unread.ts';

const MB = 1024 * 1024;
let server: http.Server;
let client: net.Socket;
beforeEach(async () => {
  server = http.createServer((request, response) => {
    const error = new AppError('too-large', 'The request body is larger than 1 byte.');
    refuseUnread(request, response, error, { family: 'openai', clock: systemClock });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await new Promise((resolve) => client.once('connect', resolve));
});
afterEach(() => {
  client.destroy();
  server.close();
});

function write(data: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => client.write(data, (error) => (error ? reject(error) : resolve())));
}

async function readAll(): Promise<string> {
  let text = '';
  for await (const chunk of client) text += String(chunk);
  return text;
}

describe('a request that is refused before its body has come', () => {
  it('is answered even if the client only listens after the last byte', async () => {
    client.pause();
    await write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${8 * MB}\r\n\r\n`);
    for (let count = 0; count < 8; count += 1) {
      await write(Buffer.alloc(MB, 'x'));
      await sleep(20);
    }
    const answer = await readAll();
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('The request body is larger than 1 byte.');
  });

  it('is not read for longer than about a second', async () => {
    const startedMs = performance.now();
    await write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${1000 * MB}\r\n\r\n`);
    const writing = setInterval(() => client.write('x'), 20);
    client.on('error', () => undefined);
    const answer = await readAll().catch(() => 'reset');
    clearInterval(writing);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(performance.now() - startedMs).toBeGreaterThan(900);
    expect(performance.now() - startedMs).toBeLessThan(3000);
  });
});
