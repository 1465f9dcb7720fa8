import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { selectDriver } from '../../e2e/driver.ts';
import { ensureChromium } from '../../e2e/support/chromium.ts';
import { ensureRealLlamaServer } from './real-llama-server.ts';

/** Builds what the tests start as a process, and gets the parts they need before the first of them waits for one. */
export async function setup(project: TestProject): Promise<void> {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../../build/build.js', import.meta.url))]);
  // Which files were asked for; without it, all that there are.
  const filters: unknown = Reflect.get(project.vitest, 'filenamePattern');
  const { testFiles } = await project.globTestFiles(filters as string[] | undefined);
  const isNeeded = (pattern: RegExp): boolean => testFiles.some((file) => pattern.test(file.replaceAll('\\', '/')));
  if (isNeeded(/\.real\b.*\.test\.ts$/)) await ensureRealLlamaServer();
  if (isNeeded(/\.browser\b.*\.test\.ts$/)) await ensureChromium();
  if (isNeeded(/\/tests\/e2e\/.*\.test\.ts$/)) {
    const driver = await selectDriver();
    console.log(`Desktop flows run on: ${driver.name}.`);
  }
}
