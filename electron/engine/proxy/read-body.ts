import type { IncomingMessage } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import { systemClock } from '../ports/clock.ts';
import { createBodyPace, type PacedBody } from './body-pace.ts';

/** One for all, so that there is one timer however many bodies are read. */
const pace = createBodyPace(systemClock);

/**
 * Reads a request's body whole, which the model's name and one retry on a refused connection need. Rejects with
 * `too-large` before anything is read if the length is announced, else as soon as the limit is passed; with
 * `invalid-request` if the client breaks off, sends less than 1 KiB in 8 s, or sends it compressed.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError('too-large', `The request body is larger than ${maxBytes} bytes (server.maxBodyBytes).`);
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return Promise.reject(
      new AppError('invalid-request', `The request body is compressed (${encoding.slice(0, 40)}); send it as it is.`),
    );
  }
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return Promise.reject(tooLarge());

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let isSettled = false;
    const paced: PacedBody = {
      receivedBytes: 0,
      seenBytes: 0,
      sinceMs: 0,
      onTooSlow() {
        settle();
        reject(new AppError('invalid-request', 'The request body comes too slowly: less than 1 KiB in 8 s.'));
      },
    };
    pace.watch(paced);
    const settle = (): void => {
      isSettled = true;
      pace.unwatch(paced);
    };
    const onBroken = (): void => {
      if (isSettled) return;
      settle();
      reject(new AppError('invalid-request', 'The connection ended before the request body was complete.'));
    };
    request.on('data', (chunk: Buffer) => {
      if (isSettled) return;
      paced.receivedBytes += chunk.length;
      if (paced.receivedBytes <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      settle();
      chunks.length = 0;
      reject(tooLarge());
    });
    request.on('end', () => {
      if (isSettled) return;
      settle();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', onBroken).on('close', onBroken);
  });
}
