import { Worker } from 'node:worker_threads';
import type { FileDigest } from './choose-files.ts';

/**
 * The thread that hashes: a model of 40 GB keeps a core busy for a minute, and the main thread must stay free. Given as
 * text, since it is the same few lines whether Corral runs from its sources or from a bundle.
 */
const threadSource = `
const { createHash } = require('node:crypto');
const { closeSync, fstatSync, openSync, readSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const { path, algorithm } = workerData;
const file = openSync(path, 'r');
const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
if (algorithm === 'git-sha1') hash.update('blob ' + fstatSync(file).size + '\\0');
const buffer = Buffer.allocUnsafe(4 * 2 ** 20);
for (;;) {
  const count = readSync(file, buffer, 0, buffer.length, null);
  if (count === 0) break;
  hash.update(buffer.subarray(0, count));
}
closeSync(file);
parentPort.postMessage(hash.digest('hex'));
`;

/** The digest of what stands in a file now, in hex. Rejects with the system's error, and with the reason of `signal`. */
export async function digestFile(
  path: string,
  algorithm: FileDigest['algorithm'],
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const thread = new Worker(threadSource, { eval: true, workerData: { path, algorithm }, env: {}, execArgv: [] });
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`The thread that checks ${path} ended with ${code}.`)));
    });
  } finally {
    await thread.terminate();
  }
}
