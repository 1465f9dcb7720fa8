import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const waiting = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Tells an answer that its client is gone, which Node does only for the one whose turn it is: requests that were sent
 * together are worked on together, and their answers wait for each other. Does nothing for all others.
 */
export function followPipelined(request: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return;
  const { socket } = request;
  let responses = waiting.get(socket);
  if (responses === undefined) {
    responses = new Set();
    waiting.set(socket, responses);
    const followed = responses;
    socket.once('close', () => {
      for (const each of followed) {
        if (each.socket !== null) continue;
        each.destroy();
        each.emit('close');
      }
    });
  }
  responses.add(response);
  response.once('close', () => responses.delete(response));
}
