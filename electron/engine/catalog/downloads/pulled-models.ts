import { readFile, realpath, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../config/atomic-write.ts';
import type { Logger } from '../../ports/logger.ts';
import type { RepoFile } from './choose-files.ts';
import { blobPath } from './hub-cache.ts';
import { isCommit, isRepoName, isSafeRelativePath } from './safe-names.ts';
import type { DownloadPlan } from './unfinished-downloads.ts';

/**
 * What Corral itself downloaded, kept in the data folder: the cache is shared with other programs, and what they put there
 * is theirs. Names are checked when they are read, so that nothing in the file can name a place outside of a cache.
 */

const cacheFolder = z.string().refine((text) => path.isAbsolute(text));
const repo = z.string().refine(isRepoName);
const digest = z.string().regex(/^[0-9a-f]{40,64}$/);
const fileSchema = z.object({ path: z.string().refine(isSafeRelativePath), digest });

const blobSchema = z.object({
  cacheFolder,
  repo,
  digest,
  sizeBytes: z.number().int().min(0),
  /** Another program's download of the same content has another. */
  modifiedAtMs: z.number(),
});

const modelSchema = z.object({
  cacheFolder,
  repo,
  commit: z.string().refine(isCommit),
  /** All parts, in order. */
  model: z.array(fileSchema).min(1),
  mmproj: fileSchema.optional(),
});

const recordSchema = z.object({ version: z.literal(1), blobs: z.array(blobSchema), models: z.array(modelSchema) });

export type PulledBlob = z.infer<typeof blobSchema>;
export type PulledFile = z.infer<typeof fileSchema>;
/** One download that was finished: the files of a snapshot that were made visible for it. */
export type PulledEntry = z.infer<typeof modelSchema>;

/** `cacheFolder` without links. */
export interface PulledRecord {
  readonly blobs: readonly PulledBlob[];
  readonly models: readonly PulledEntry[];
}

export interface PulledModels {
  /** Bytes were fetched, checked, and lie in their place. Never rejects: what is not noted is never deleted. */
  noteBlob(repo: string, file: RepoFile): Promise<void>;
  /** All files of a download can be seen. Never rejects. */
  noteModel(repo: string, plan: DownloadPlan): Promise<void>;
  /** Empty if nothing was downloaded, or what was cannot be read. Never rejects. */
  read(): Promise<PulledRecord>;
  /** Takes out what `isGone` says. Rejects if it cannot be written. */
  forget(isGone: { blob(blob: PulledBlob): boolean; model(model: PulledEntry): boolean }): Promise<void>;
}

export interface PulledModelsOptions {
  /** `pulled-models.json` in the data folder. */
  readonly file: string;
  readonly cacheFolder: string;
  readonly logger: Logger;
}

export function openPulledModels({ file: recordFile, cacheFolder: cache, logger }: PulledModelsOptions): PulledModels {
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, and from what is there: a download on the command line may have written meanwhile. */
  function change(edit: (record: PulledRecord) => Promise<PulledRecord> | PulledRecord): Promise<void> {
    const changed = last.then(async () => {
      const { blobs, models } = await edit(await read());
      const written = { version: 1, blobs: [...blobs], models: [...models] } satisfies z.input<typeof recordSchema>;
      await writeFileAtomically(recordFile, `${JSON.stringify(written, undefined, 2)}\n`, { mode: 0o600 });
    });
    last = changed.catch(() => undefined);
    return changed;
  }

  async function note(edit: Parameters<typeof change>[0]): Promise<void> {
    await change(edit).catch((thrown: unknown) => {
      logger.log('warn', `What was downloaded could not be noted: ${(thrown as Error).message}`, {
        file: recordFile,
      });
    });
  }

  async function read(): Promise<PulledRecord> {
    let text: string;
    try {
      text = await readFile(recordFile, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { blobs: [], models: [] };
      throw error;
    }
    const parsed = recordSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    await rename(recordFile, `${recordFile}.corrupt`);
    logger.log('warn', 'What was downloaded cannot be read; it was set aside, and those models are kept', {
      file: `${recordFile}.corrupt`,
    });
    return { blobs: [], models: [] };
  }

  return {
    noteBlob: (repo, file) =>
      note(async ({ blobs, models }) => {
        const realCache = await realpath(cache);
        const { size, mtimeMs } = await stat(blobPath(realCache, repo, file));
        const digest = file.digest.hex;
        const blob = { cacheFolder: realCache, repo, digest, sizeBytes: size, modifiedAtMs: mtimeMs };
        return { blobs: [...blobs.filter((each) => !isSameBlob(each, blob)), blob], models };
      }),
    noteModel: (repo, { commit, model, mmproj }) =>
      note(async ({ blobs, models }) => {
        const entry: PulledEntry = {
          cacheFolder: await realpath(cache),
          repo,
          commit,
          model: model.map(noted),
          ...(mmproj === undefined ? {} : { mmproj: noted(mmproj) }),
        };
        return { blobs, models: [...models.filter((each) => !isSameEntry(each, entry)), entry] };
      }),
    read() {
      const found = last.then(read).catch((thrown: unknown): PulledRecord => {
        logger.log('warn', `What was downloaded cannot be read: ${(thrown as Error).message}`, { file: recordFile });
        return { blobs: [], models: [] };
      });
      last = found;
      return found;
    },
    forget: (isGone) =>
      change(({ blobs, models }) => ({
        blobs: blobs.filter((blob) => !isGone.blob(blob)),
        models: models.filter((model) => !isGone.model(model)),
      })),
  };
}

function noted({ path: filePath, digest: { hex } }: RepoFile): PulledFile {
  return { path: filePath, digest: hex };
}

export function isSameBlob(one: PulledBlob, other: PulledBlob): boolean {
  return one.cacheFolder === other.cacheFolder && one.repo === other.repo && one.digest === other.digest;
}

function isSameEntry(one: PulledEntry, other: PulledEntry): boolean {
  return (
    one.cacheFolder === other.cacheFolder &&
    one.repo === other.repo &&
    one.commit === other.commit &&
    one.model[0]?.path === other.model[0]?.path &&
    one.mmproj?.path === other.mmproj?.path
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The schema refuses it, which is told.
  }
}
