import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One chat request over a connection of its own; resolves once the answer is complete. Rejects unless it is a 200. */
export function ask(address: string, model: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] });
    const request = http.request(
      `${address}/v1/chat/completions`,
      {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${address} answered ${String(response.statusCode)} for ${model}: ${text}`));
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const POLL_MS = 2;
const READY_WITHIN_MS = 30_000;

/** Resolves once a server answers 200 at /health. */
export async function waitUntilHealthy(address: string): Promise<void> {
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const status = await new Promise<number | undefined>((resolve) => {
      const request = http.get(`${address}/health`, { agent: false }, (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode));
      });
      // Nobody listens yet.
      request.on('error', () => resolve(undefined));
    });
    if (status === 200) return;
    if (performance.now() > deadlineMs) throw new Error(`${address} did not become healthy.`);
    await sleep(POLL_MS);
  }
}
