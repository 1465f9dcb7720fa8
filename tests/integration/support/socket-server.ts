import type { TestFolder } from './corral.ts';

/**
 * A model's server that speaks WebSocket at every path, by `?mode=`: `frames` (default) sends each text frame back, `raw`
 * sends back the bytes as they come, `flood` sends without end, `hold` says nothing after it agreed, `die` ends its
 * process, `refuse` answers 418, `silent` nothing at all. GET /stats tells of its sockets and the last request for one.
 */
const source = `
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
let open = 0;
let last;
let sent = 0;
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request.url === '/stats' ? { open, last, sent } : { url: request.url, method: request.method, headers: request.headers }));
});
server.on('upgrade', (request, socket, head) => {
  open += 1;
  last = { url: request.url, headers: request.headers, early: head.toString() };
  socket.on('error', () => socket.destroy()).on('close', () => (open -= 1)).on('end', () => socket.end());
  const mode = new URL(request.url, 'http://x').searchParams.get('mode') ?? 'frames';
  if (mode === 'silent') return;
  if (mode === 'refuse') return socket.end('HTTP/1.1 418 Teapot\\r\\nContent-Type: text/plain\\r\\nContent-Length: 5\\r\\n\\r\\nshort');
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  const protocol = request.headers['sec-websocket-protocol'];
  socket.write(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: ' + accept,
    ...(protocol === undefined ? [] : ['Sec-WebSocket-Protocol: ' + protocol.split(',')[0].trim()]), 'X-Server: yes', '', ''].join('\\r\\n'));
  if (mode === 'raw') { socket.write(head); socket.pipe(socket); }
  if (mode === 'hold') socket.resume();
  if (mode === 'die') process.kill(process.pid, 'SIGKILL');
  if (mode === 'flood') {
    const chunk = Buffer.alloc(65536, 'x');
    socket.resume();
    const more = () => { while (!socket.destroyed) { sent += chunk.length; if (!socket.write(chunk)) return socket.once('drain', more); } };
    more();
  }
  if (mode === 'frames') {
    let buffer = head;
    const read = (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 6) {
        const length = buffer[1] & 127;
        if (buffer.length < 6 + length) return;
        const text = buffer.subarray(6, 6 + length).map((byte, index) => byte ^ buffer[2 + (index % 4)]);
        const opcode = buffer[0] & 15;
        socket.write(Buffer.concat([Buffer.from([0x80 | opcode, length]), text]));
        if (opcode === 8) return socket.end();
        buffer = buffer.subarray(6 + length);
      }
    };
    socket.on('data', read);
  }
});
server.listen(Number(process.argv[2]), '127.0.0.1');
`;

export async function socketServerModel(
  folder: TestFolder,
  more: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const script = await folder.write('socket-server.mjs', source);
  return { command: [process.execPath, script, '${PORT}'], health: '/health', ...more };
}
