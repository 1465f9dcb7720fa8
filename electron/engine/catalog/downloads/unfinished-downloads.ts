import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../../config/atomic-write.ts';
import { serialisedErrorSchema } from '#shared/contract/errors.ts';
import { isCommit, isRepoName, isSafeRelativePath } from './safe-names.ts';

/** What must be known to go on with downloads after a restart. How far they came is seen from their part files. */

const plannedFileSchema = z.object({
  path: z.string().refine(isSafeRelativePath),
  sizeBytes: z.number().int().min(0),
  digest: z.object({ algorithm: z.enum(['sha256', 'git-sha1']), hex: z.string().regex(/^[0-9a-f]{40,64}$/) }),
  /** What the server called the bytes that are there. */
  etag: z.string().optional(),
});

const unfinishedSchema = z.object({
  id: z.string(),
  repo: z.string().refine(isRepoName),
  quant: z.string().optional(),
  file: z.string().refine(isSafeRelativePath).optional(),
  state: z.enum(['running', 'paused', 'failed']),
  problem: serialisedErrorSchema.optional(),
  startedAt: z.number(),
  plan: z
    .object({
      /** Digests are those that this origin told. */
      origin: z.string(),
      commit: z.string().refine(isCommit),
      quant: z.string().optional(),
      model: z.array(plannedFileSchema).min(1),
      mmproj: plannedFileSchema.optional(),
    })
    .optional(),
});

const listSchema = z.object({ version: z.literal(1), downloads: z.array(unfinishedSchema) });

export type UnfinishedDownload = z.infer<typeof unfinishedSchema>;

export type DownloadPlan = NonNullable<UnfinishedDownload['plan']>;

export interface UnfinishedDownloads {
  /** Empty if there is no such file. Rejects if it cannot be read or understood. */
  read(): Promise<UnfinishedDownload[]>;
  /** Written whole, one after the other, the newest as the last. */
  write(downloads: readonly UnfinishedDownload[]): Promise<void>;
}

export function openUnfinishedDownloads(file: string): UnfinishedDownloads {
  let last: Promise<void> = Promise.resolve();
  return {
    async read() {
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
      return listSchema.parse(JSON.parse(text)).downloads;
    },
    write(downloads) {
      const text = JSON.stringify(
        { version: 1, downloads: [...downloads] } satisfies z.input<typeof listSchema>,
        undefined,
        2,
      );
      last = last.then(
        () => writeFileAtomically(file, text, { mode: 0o600 }),
        () => writeFileAtomically(file, text, { mode: 0o600 }),
      );
      return last;
    },
  };
}
