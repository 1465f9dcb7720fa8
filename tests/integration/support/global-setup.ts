import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureRealLlamaServer } from './real-llama-server.ts';

/** Builds what the tests start as a process, and gets the parts they need before the first of them waits for one. */
export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../../build/build.js', import.meta.url))]);
  if (!(process.env['CORRAL_TEST_WITHOUT'] ?? '').split(',').includes('llama-server')) await ensureRealLlamaServer();
}
