import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '../../config/atomic-write.ts';
import type { RepoFile } from './choose-files.ts';

/**
 * The cache that Hugging Face's own tools use, and its layout (huggingface_hub, "Understand caching"):
 *
 *     models--user--repo/refs/main                        the commit that `main` was when it was last fetched
 *     models--user--repo/blobs/<digest>                   the content, and `<digest>.incomplete` while it comes
 *     models--user--repo/snapshots/<commit>/<path>        a link to the blob
 */
export interface HubCacheSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

/** Where the cache is, by the variables that Hugging Face's tools look at. */
export function hubCacheFolder(surroundings: HubCacheSurroundings): string {
  const { env } = surroundings;
  const own = env['HF_HUB_CACHE'] ?? env['HUGGINGFACE_HUB_CACHE'];
  return own !== undefined && own !== '' ? path.resolve(own) : path.join(hubHomeFolder(surroundings), 'hub');
}

/** Where Hugging Face's tools keep their token, among others. */
export function hubHomeFolder({ env, homeFolder }: HubCacheSurroundings): string {
  const home = env['HF_HOME'];
  if (home !== undefined && home !== '') return path.resolve(home);
  const cache = env['XDG_CACHE_HOME'];
  return path.join(
    cache !== undefined && path.isAbsolute(cache) ? cache : path.join(homeFolder, '.cache'),
    'huggingface',
  );
}

export function repoFolder(cacheFolder: string, repo: string): string {
  return path.join(cacheFolder, `models--${repo.replace('/', '--')}`);
}

export function blobPath(
  cacheFolder: string,
  repo: string,
  file: { readonly digest: Pick<RepoFile['digest'], 'hex'> },
): string {
  return path.join(repoFolder(cacheFolder, repo), 'blobs', file.digest.hex);
}

export function partPath(blob: string): string {
  return `${blob}.incomplete`;
}

export function snapshotPath(cacheFolder: string, repo: string, commit: string, filePath: string): string {
  return path.join(repoFolder(cacheFolder, repo), 'snapshots', commit, ...filePath.split('/'));
}

/** The size of a file; undefined if it is not there. */
export async function sizeIfPresent(file: string): Promise<number | undefined> {
  try {
    const stats = await stat(file);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** How a snapshot's file is made of a blob, the first that the file system allows. */
const ways: readonly ((blob: string, target: string) => Promise<void>)[] = [
  // Relative, so that the whole cache can be moved.
  (blob, target) => symlink(path.relative(path.dirname(target), blob), target, 'file'),
  // Windows allows symbolic links only to some; a hard link takes no space either.
  link,
  copyFile,
];

/** Makes a blob visible as a file of a snapshot. What was there under that name is replaced. */
export async function linkSnapshot(blob: string, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  let problem: unknown;
  for (const way of ways) {
    try {
      await way(blob, temporary);
      await rename(temporary, target);
      return;
    } catch (error) {
      await rm(temporary, { force: true });
      problem = error;
    }
  }
  throw problem;
}

/** Notes what `main` is, for tools that look for it without a network. */
export async function writeRef(cacheFolder: string, repo: string, commit: string): Promise<void> {
  const refs = path.join(repoFolder(cacheFolder, repo), 'refs');
  await mkdir(refs, { recursive: true });
  await writeFileAtomically(path.join(refs, 'main'), commit);
}
