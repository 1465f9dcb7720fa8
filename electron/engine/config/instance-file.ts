import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '#shared/contract/errors.ts';
import { writeFileAtomically } from './atomic-write.ts';

const instanceSchema = z.object({
  pid: z.int().min(1),
  /** The native listener, such as `http://127.0.0.1:5526`. */
  address: z.url({ protocol: /^http$/ }),
  /** Made anew at each start; good for `/control`. */
  token: z.string().min(1),
  /** Wall-clock milliseconds since 1970. */
  startedAt: z.number(),
});

/** How other programs of the same user, the command line first of all, find and address the running Corral. */
export type Instance = z.infer<typeof instanceSchema>;

function instanceFilePath(dataFolder: string): string {
  return join(dataFolder, 'instance.json');
}

/** Records the running instance, atomically and for this user's eyes only (0600). */
export async function writeInstanceFile(dataFolder: string, instance: Instance): Promise<void> {
  const { pid, address, token, startedAt } = instance;
  const text = `${JSON.stringify({ pid, address, token, startedAt })}\n`;
  await writeFileAtomically(instanceFilePath(dataFolder), text, { mode: 0o600 });
}

/**
 * The instance on record, or undefined if there is none. It may have died without removing its file, so whoever reads
 * this must be ready for nobody to answer. Throws `conflict` for a file that is not Corral's.
 */
export async function readInstanceFile(dataFolder: string): Promise<Instance | undefined> {
  const path = instanceFilePath(dataFolder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = instanceSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new AppError('conflict', `${path} is not the record of a running Corral; remove it and start Corral again.`);
}

/** Forgets the instance; fine if there is none. */
export async function removeInstanceFile(dataFolder: string): Promise<void> {
  await rm(instanceFilePath(dataFolder), { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
