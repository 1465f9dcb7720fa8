import { lstat, readdir, readlink, realpath, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { blobPath, repoFolder, snapshotPath } from './hub-cache.ts';
import {
  isSameBlob,
  type PulledBlob,
  type PulledEntry,
  type PulledFile,
  type PulledModels,
  type PulledRecord,
} from './pulled-models.ts';

/**
 * Deletes what Corral downloaded, and nothing else: a file goes only if it was noted when it was fetched, is the same since,
 * and lies in the cache itself rather than behind a link that leads somewhere else.
 */
export interface PulledFiles {
  /** Whether a model's file is one that Corral downloaded, so that it may delete it. */
  has(file: string): Promise<boolean>;
  /**
   * What `delete` would remove now; undefined for a model that Corral did not download. A projector that is used elsewhere
   * stays. Throws `conflict` if the weights are, and while a file of them is being downloaded again.
   */
  plan(model: ModelOnDisk, usedElsewhere: readonly FileUse[]): Promise<DeletePlan | undefined>;
  /** Throws `conflict` if the system does not let go of a file. */
  delete(plan: DeletePlan): Promise<void>;
}

export interface ModelOnDisk {
  readonly file: string;
  readonly mmproj: string | undefined;
}

/** A file that another model needs. */
export interface FileUse {
  readonly modelId: string;
  readonly file: string;
}

export interface DeletePlan {
  /** Files of snapshots, the weights before the projector. */
  readonly links: readonly string[];
  /** What they lead to, where nobody else does. */
  readonly blobs: readonly string[];
  readonly freedBytes: number;
  readonly entries: readonly PulledEntry[];
  readonly goneBlobs: readonly PulledBlob[];
}

export interface PulledFilesParts {
  readonly record: Pick<PulledModels, 'read' | 'forget'>;
  readonly cacheFolder: string;
  /** Digests that a running download of a repository counts on. */
  wantedDigests(repo: string): readonly string[];
  /** Its files are gone. */
  onDeleted(files: readonly string[]): void;
}

/** A file of a snapshot that Corral made. */
interface OwnFile {
  readonly link: string;
  readonly blob: PulledBlob;
  readonly blobFile: string;
}

export function createPulledFiles(parts: PulledFilesParts): PulledFiles {
  /** The entry that a model's file belongs to, with all its parts; undefined if one of them is somebody else's. */
  async function findEntry(file: string): Promise<{ entry: PulledEntry; record: PulledRecord } | undefined> {
    const place = await placeOf(file);
    const root = await unlessGone(realpath(parts.cacheFolder));
    if (place === undefined || root === undefined) return undefined;
    const record = await parts.record.read();
    for (const entry of record.models) {
      const [first] = entry.model;
      if (entry.cacheFolder !== root || first === undefined || linkOf(entry, first) !== place) continue;
      const owned = await Promise.all(entry.model.map((each) => findOwn(record, entry, each)));
      if (owned.every((each) => each !== undefined)) return { entry, record };
    }
    return undefined;
  }

  /** Throws `conflict`. */
  function checkUnwanted({ repo }: PulledEntry, weights: readonly OwnFile[], used: ReadonlyMap<string, FileUse>): void {
    const use = weights.map(({ blobFile, link }) => used.get(blobFile) ?? used.get(link)).find(Boolean);
    if (use !== undefined) {
      throw new AppError('conflict', `The model "${use.modelId}" uses ${use.file}. Take it out of there first.`);
    }
    const wanted = new Set(parts.wantedDigests(repo));
    if (!weights.some(({ blob }) => wanted.has(blob.digest))) return;
    throw new AppError(
      'conflict',
      `A file of it is being downloaded again from ${repo}. Cancel that download, or wait until it is finished.`,
    );
  }

  /** Projectors that came with the model, or are paired with it, and that nobody else needs. */
  async function findProjectors(
    { mmproj }: ModelOnDisk,
    entries: readonly PulledEntry[],
    record: PulledRecord,
    used: ReadonlyMap<string, FileUse>,
  ): Promise<OwnFile[]> {
    const place = mmproj === undefined ? undefined : await placeOf(mmproj);
    const found = new Map<string, OwnFile>();
    for (const entry of record.models) {
      const isGoing = entries.includes(entry);
      for (const file of [...entry.model, ...(entry.mmproj === undefined ? [] : [entry.mmproj])]) {
        const isMeant = (isGoing && file === entry.mmproj) || linkOf(entry, file) === place;
        const own = isMeant ? await findOwn(record, entry, file) : undefined;
        if (own !== undefined && !used.has(own.blobFile) && !used.has(own.link)) found.set(own.link, own);
      }
    }
    const kept: OwnFile[] = [];
    for (const own of found.values()) if (!(await isNeeded(own, entries, record))) kept.push(own);
    return kept;
  }

  /** Whether a projector belongs to another download, one that runs or one whose model is there. */
  async function isNeeded(
    { blob }: OwnFile,
    entries: readonly PulledEntry[],
    { models }: PulledRecord,
  ): Promise<boolean> {
    if (parts.wantedDigests(blob.repo).includes(blob.digest)) return true;
    for (const entry of models) {
      const [first] = entry.model;
      if (entries.includes(entry) || first === undefined || entry.mmproj?.digest !== blob.digest) continue;
      const isSameRepo = entry.cacheFolder === blob.cacheFolder && entry.repo === blob.repo;
      if (isSameRepo && (await unlessGone(stat(linkOf(entry, first)))) !== undefined) return true;
    }
    return false;
  }

  return {
    has: async (file) => (await findEntry(file)) !== undefined,

    async plan(model, usedElsewhere) {
      const found = await findEntry(model.file);
      if (found === undefined) return undefined;
      const { entry: main, record } = found;
      // What was fetched under the same name before would be of no use to anybody, and never be seen again.
      const entries = record.models.filter(
        (each) =>
          each.cacheFolder === main.cacheFolder &&
          each.repo === main.repo &&
          each.model[0]?.path === main.model[0]?.path,
      );
      const used = new Map<string, FileUse>();
      for (const use of usedElsewhere) used.set((await unlessGone(realpath(use.file))) ?? use.file, use);
      const weights: OwnFile[] = [];
      for (const entry of entries) {
        for (const file of entry.model) {
          const own = await findOwn(record, entry, file);
          if (own !== undefined) weights.push(own);
        }
      }
      checkUnwanted(main, weights, used);
      const going = [...weights, ...(await findProjectors(model, entries, record, used))];
      const links = new Set(going.map(({ link }) => link));
      const referred = await blobsReferredTo(path.join(repoFolder(main.cacheFolder, main.repo), 'snapshots'), links);
      const gone = [...new Map(going.map((own) => [own.blobFile, own])).values()].filter(
        ({ blobFile }) => !referred.has(blobFile),
      );
      return {
        links: [...links],
        blobs: gone.map(({ blobFile }) => blobFile),
        freedBytes: gone.reduce((sum, { blob }) => sum + blob.sizeBytes, 0),
        entries,
        goneBlobs: gone.map(({ blob }) => blob),
      };
    },

    async delete({ links, blobs, entries, goneBlobs }) {
      // The content first: what the system will not let go of leaves the model as it was.
      for (const file of [...blobs, ...links]) await remove(file);
      for (const { cacheFolder, repo } of entries) {
        await removeEmptyFolders(repoFolder(cacheFolder, repo), links, parts.wantedDigests(repo).length > 0);
      }
      await parts.record.forget({
        blob: (each) => goneBlobs.some((gone) => isSameBlob(gone, each)),
        model: (each) => entries.some((entry) => linksOf(entry).join() === linksOf(each).join()),
      });
      parts.onDeleted(links);
    },
  };
}

function linkOf({ cacheFolder, repo, commit }: PulledEntry, file: PulledFile): string {
  return snapshotPath(cacheFolder, repo, commit, file.path);
}

function linksOf(entry: PulledEntry): string[] {
  return [...entry.model, ...(entry.mmproj === undefined ? [] : [entry.mmproj])].map((file) => linkOf(entry, file));
}

/** Undefined if it is not there, or not what Corral put there. */
async function findOwn(record: PulledRecord, entry: PulledEntry, file: PulledFile): Promise<OwnFile | undefined> {
  const { cacheFolder, repo } = entry;
  const blob = record.blobs.find(
    (each) => each.cacheFolder === cacheFolder && each.repo === repo && each.digest === file.digest,
  );
  const link = linkOf(entry, file);
  const blobFile = blobPath(cacheFolder, repo, { digest: { hex: file.digest } });
  if (blob === undefined || (await placeOf(link)) !== link || (await placeOf(blobFile)) !== blobFile) return undefined;
  const content = await unlessGone(lstat(blobFile));
  const seen = await unlessGone(lstat(link));
  if (content?.isFile() !== true || seen === undefined) return undefined;
  if (content.size !== blob.sizeBytes || content.mtimeMs !== blob.modifiedAtMs) return undefined;
  const isOurs = seen.isSymbolicLink()
    ? path.resolve(path.dirname(link), await readlink(link)) === blobFile
    : // Where links are not allowed it is the same file under another name, or a copy.
      seen.isFile() && seen.size === blob.sizeBytes;
  return isOurs ? { link, blob, blobFile } : undefined;
}

/** A path whose folders are real, whatever the file itself is; undefined if they are not there. */
async function placeOf(file: string): Promise<string | undefined> {
  const folder = await unlessGone(realpath(path.dirname(file)));
  return folder === undefined ? undefined : path.join(folder, path.basename(file));
}

/** What files of snapshots lead to, by links of both kinds, but for those that go. */
async function blobsReferredTo(snapshots: string, going: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  const sameFile = new Map<string, string>();
  const blobs = path.join(path.dirname(snapshots), 'blobs');
  for (const name of (await unlessGone(readdir(blobs))) ?? []) {
    const stats = await unlessGone(lstat(path.join(blobs, name)));
    if (stats !== undefined) sameFile.set(`${stats.dev}:${stats.ino}`, path.join(blobs, name));
  }

  async function visit(folder: string): Promise<void> {
    for (const entry of (await unlessGone(readdir(folder, { withFileTypes: true }))) ?? []) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) await visit(at);
      else if (!going.has(at)) {
        if (entry.isSymbolicLink()) found.add(path.resolve(folder, await readlink(at)));
        const stats = await unlessGone(lstat(at));
        const blob = stats === undefined ? undefined : sameFile.get(`${stats.dev}:${stats.ino}`);
        if (blob !== undefined) found.add(blob);
      }
    }
  }

  await visit(snapshots);
  return found;
}

async function remove(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (thrown) {
    const { code = 'unknown error' } = thrown as NodeJS.ErrnoException;
    throw new AppError(
      'conflict',
      `${file} could not be deleted (${code}). Close what uses it, see that the folder may be written to, and delete the model again.`,
      { cause: thrown },
    );
  }
}

/** What is left of a repository once its last snapshot is gone says nothing to anybody. */
async function removeEmptyFolders(repository: string, links: readonly string[], isInUse: boolean): Promise<void> {
  const snapshots = path.join(repository, 'snapshots');
  for (const link of links) {
    for (let at = path.dirname(link); at.startsWith(snapshots + path.sep); at = path.dirname(at)) {
      if (!(await removeIfEmpty(at))) break;
    }
  }
  if (isInUse || !(await removeIfEmpty(snapshots))) return;
  await rm(path.join(repository, 'refs', 'main'), { force: true });
  for (const folder of ['refs', 'blobs', '.']) await removeIfEmpty(path.join(repository, folder));
}

/** Whether it is gone. */
async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    // Somebody has something in it, or it may not be removed: an empty folder harms nobody.
    if (code !== undefined) return false;
    throw thrown;
  }
}

async function unlessGone<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes((thrown as NodeJS.ErrnoException).code ?? '')) {
      return undefined;
    }
    throw thrown;
  }
}
