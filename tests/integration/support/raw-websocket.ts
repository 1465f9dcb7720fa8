import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { eventually } from './corral.ts';

/** A connection that has asked for a WebSocket, and reads what comes. */
export interface RawSocket {
  readonly socket: Socket;
  received(): string;
  readonly closed: Promise<unknown>;
}

const HANDSHAKE: Readonly<Record<string, string>> = {
  Host: '127.0.0.1',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const opened: Socket[] = [];

/** For `afterEach`. */
export function closeRawSockets(): void {
  for (const socket of opened.splice(0)) socket.destroy();
}

export async function askForSocket(
  address: string,
  target: string,
  headers: Record<string, string> = {},
  { rest = '', method = 'GET' } = {},
): Promise<RawSocket> {
  const socket = net.connect({ port: Number(new URL(address).port), host: '127.0.0.1' });
  opened.push(socket);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', () => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  const lines = Object.entries({ ...HANDSHAKE, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${rest}`);
  return { socket, received: () => text, closed };
}

export async function statusOf(raw: RawSocket): Promise<number> {
  await eventually('an answer', () => raw.received().includes('\r\n\r\n'));
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(raw.received())?.[1]);
}
