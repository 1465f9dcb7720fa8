import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildSentenceModel } from './sentence-model.ts';

/** What the demo model answers to everything. */
export const demoSentence =
  'Hello! Corral is up and running: this answer came from a real llama-server on your own machine.';

const demoFileName = 'corral-demo.gguf';

/**
 * Makes sure that `folder` holds the demo model as this version of Corral builds it, and returns the file's absolute
 * path. The file appears whole or not at all, so a llama-server that reads the old one is not disturbed. Errors of the
 * file system are passed on.
 */
export async function ensureDemoModel(folder: string): Promise<string> {
  const target = path.resolve(folder, demoFileName);
  const bytes = buildSentenceModel({ name: 'Corral demo', sentence: demoSentence });
  const present = await readIfPresent(target);
  if (present !== undefined && Buffer.compare(present, bytes) === 0) return target;
  await mkdir(path.dirname(target), { recursive: true });
  const partial = `${target}.${randomUUID()}.part`;
  try {
    await writeFile(partial, bytes);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return target;
}

async function readIfPresent(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
