import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

const UPGRADE_HEADERS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

/** Whether a request that would talk in another way wants a WebSocket, the only way there is. */
export function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Answers a request for another protocol as if it had not asked for one, which RFC 9110 (section 7.8) allows: Java's client
 * and `curl --http2` ask every server whether it speaks HTTP/2. Node has stopped reading HTTP on the socket by then, so the
 * request is put back, without the wish, and read again.
 */
export function serveAsPlain(server: Server, request: IncomingMessage, socket: Socket, rest: Buffer): void {
  const { rawHeaders, method = 'GET', url = '/', httpVersion } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (UPGRADE_HEADERS.has(lower)) continue;
    lines.push(`${name}: ${lower === 'connection' ? withoutUpgrade(value) : value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), rest]));
  server.emit('connection', socket);
}

function withoutUpgrade(connection: string): string {
  const tokens = connection.split(',').map((token) => token.trim());
  return tokens.filter((token) => !UPGRADE_HEADERS.has(token.toLowerCase())).join(', ') || 'keep-alive';
}
