import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

let corral: TestCorral | undefined;
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
});

const body = '{"model":"one","stream":true,"messages":[]}';
const post = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const upgrade =
  'GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

describe('requests sent together on one connection', () => {
  it.each([
    ['two', post + post, 2],
    ['two and a WebSocket', post + post + upgrade, 2],
  ])('%s give all their slots back when the client goes away', async (_what, text, count) => {
    const running = await startCorral({
      models: { one: fakeModel({ tokens: 1_000_000, tokenDelayMs: 1, tokenBytes: 2000 }, { concurrency: 4 }) },
    });
    corral = running;
    await running.bridge.call('load-model', { model: 'one' });
    const socket = net.connect({ port: Number(new URL(running.address).port), host: '127.0.0.1' });
    socket.on('error', () => socket.destroy()).resume();
    await once(socket, 'connect');
    socket.write(text);
    let most = 0;
    await eventually('they run', () => {
      most = Math.max(most, running.model('one').activeRequests);
      return most === count;
    });
    // Long enough for the one behind to fill what is kept for it.
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.destroy();
    await eventually('the slots are free', () => running.model('one').activeRequests === 0);
    expect(running.model('one').state).toBe('ready');
  });
});
