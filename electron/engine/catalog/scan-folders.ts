import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { quantOf } from './downloads/quant-names.ts';
import { isCommit } from './downloads/safe-names.ts';
import { findModels, idOf, type FoundFile, type FoundModel, type FoundOrigin } from './found-model.ts';

/**
 * Looks for models where they lie: folders of the user's, Hugging Face's cache, the stores of Ollama and LM Studio. Reads
 * names alone; nothing is opened but small lists. What may not be read is passed over.
 */

export interface ScanResult {
  readonly models: readonly FoundModel[];
  /** Folders whose change may mean other models; those that are not there included. */
  readonly folders: readonly string[];
}

/** Somebody named the root of a disk: what is found until then is enough to see the mistake. */
const MAX_FOLDERS = 5000;
const MAX_DEPTH = 16;

/** GGUF files at any depth. Hidden folders are left out; links are followed, each folder once. */
export async function scanFolder(root: string, origin: FoundOrigin): Promise<ScanResult> {
  const { files, folders } = await listGgufFiles(root);
  return { models: findModels(files, origin), folders };
}

async function listGgufFiles(root: string): Promise<{ files: FoundFile[]; folders: string[] }> {
  const files: FoundFile[] = [];
  const folders: string[] = [];
  const seen = new Set<string>();

  async function visit(folder: string, depth: number): Promise<void> {
    folders.push(folder);
    const real = await unlessUnreadable(realpath(folder));
    if (real === undefined || seen.has(real) || seen.size >= MAX_FOLDERS) return;
    seen.add(real);
    const entries = (await unlessUnreadable(readdir(folder, { withFileTypes: true }))) ?? [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const at = path.join(folder, entry.name);
      const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(at)));
      if (isFolder) {
        if (!entry.name.startsWith('.') && depth < MAX_DEPTH) await visit(at, depth + 1);
      } else if (/\.gguf$/i.test(entry.name) && !entry.name.startsWith('.')) {
        const found = await describeFile(at);
        if (found !== undefined) files.push(found);
      }
    }
  }

  await visit(root, 0);
  return { files, folders };
}

/** Undefined for links that lead nowhere, empty files and what is no file. */
async function describeFile(file: string): Promise<FoundFile | undefined> {
  const stats = await unlessUnreadable(stat(file));
  if (stats === undefined || !stats.isFile() || stats.size === 0) return undefined;
  const realPath = (await unlessUnreadable(realpath(file))) ?? file;
  return { path: file, realPath, folder: path.dirname(file), name: path.basename(file) };
}

async function isFolderAt(at: string): Promise<boolean> {
  return (await unlessUnreadable(stat(at)))?.isDirectory() === true;
}

/** Of each repository what `main` was when it was last fetched, or, where nobody noted that, all there is. */
export async function scanHubCache(cacheFolder: string): Promise<ScanResult> {
  const folders = [cacheFolder];
  const models: FoundModel[] = [];
  const names = (await unlessUnreadable(readdir(cacheFolder))) ?? [];
  for (const name of names.sort()) {
    const [, user, repo] = /^models--(.+?)--(.+)$/.exec(name) ?? [];
    if (user === undefined || repo === undefined) continue;
    const snapshots = path.join(cacheFolder, name, 'snapshots');
    const refs = path.join(cacheFolder, name, 'refs');
    folders.push(snapshots, refs);
    const commit = ((await unlessUnreadable(readFile(path.join(refs, 'main'), 'utf8'))) ?? '').trim();
    const root = isCommit(commit) ? path.join(snapshots, commit) : snapshots;
    const found = await scanFolder(root, 'hugging-face');
    folders.push(...found.folders);
    models.push(...found.models.map((model) => withHubAlias(model, `${user}/${repo}`)));
  }
  return { models, folders };
}

/** As llama.cpp and Ollama call it: `user/repo:Q4_K_M`. */
function withHubAlias(model: FoundModel, repo: string): FoundModel {
  const quant = quantOf(model.file);
  return quant === undefined ? model : { ...model, aliases: [`${repo}:${quant}`] };
}

/** LM Studio keeps files as they are, in folders by publisher and repository. */
export async function scanLmStudio(homeFolder: string): Promise<ScanResult> {
  const roots = [path.join(homeFolder, '.lmstudio', 'models'), path.join(homeFolder, '.cache', 'lm-studio', 'models')];
  return merge(await Promise.all(roots.map((root) => scanFolder(root, 'lm-studio'))));
}

const MAX_MANIFEST_BYTES = 1_000_000;

/** Ollama's store: manifests by name, which point to blobs by digest. */
export async function scanOllama(
  env: Readonly<Record<string, string | undefined>>,
  homeFolder: string,
): Promise<ScanResult> {
  const own = env['OLLAMA_MODELS'];
  const roots =
    own !== undefined && own !== ''
      ? [path.resolve(own)]
      : // The second is where its service on Linux keeps them.
        [path.join(homeFolder, '.ollama', 'models'), '/usr/share/ollama/.ollama/models'];
  return merge(await Promise.all(roots.map(scanOllamaStore)));
}

async function scanOllamaStore(root: string): Promise<ScanResult> {
  const manifests = path.join(root, 'manifests');
  const folders: string[] = [];
  const models: FoundModel[] = [];

  async function visit(folder: string, words: readonly string[]): Promise<void> {
    folders.push(folder);
    const entries = (await unlessUnreadable(readdir(folder, { withFileTypes: true }))) ?? [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory() && words.length < 3) await visit(at, [...words, entry.name]);
      else if (entry.isFile() && words.length === 3) {
        const model = await readManifest(root, at, [...words, entry.name]);
        if (model !== undefined) models.push(model);
      }
    }
  }

  await visit(manifests, []);
  return { models, folders };
}

async function readManifest(
  root: string,
  file: string,
  [host = '', user = '', name = '', tag = '']: readonly string[],
): Promise<FoundModel | undefined> {
  if (((await unlessUnreadable(stat(file)))?.size ?? Infinity) > MAX_MANIFEST_BYTES) return undefined;
  const text = await unlessUnreadable(readFile(file, 'utf8'));
  const [weights, ...more] = layerBlobs(text ?? '', 'model');
  // Weights in several layers are another format.
  if (weights === undefined || more.length > 0) return undefined;
  const [projector] = layerBlobs(text ?? '', 'projector');
  const found = await describeFile(path.join(root, 'blobs', weights));
  if (found === undefined) return undefined;
  const short = user === 'library' ? name : `${user}/${name}`;
  const full = host === 'registry.ollama.ai' ? short : `${host}/${user}/${name}`;
  return {
    name: idOf(`${name}-${tag}`),
    aliases: [`${full}:${tag}`, ...(tag === 'latest' ? [full] : [])],
    file: found.path,
    realPath: found.realPath,
    mmproj: projector === undefined ? undefined : path.join(root, 'blobs', projector),
    origin: 'ollama',
  };
}

/** File names of a manifest's layers of one kind. */
function layerBlobs(text: string, kind: 'model' | 'projector'): string[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  const layers = (manifest as { layers?: unknown } | null)?.layers;
  return (Array.isArray(layers) ? (layers as unknown[]) : []).flatMap((layer) => {
    const { mediaType, digest } = (layer ?? {}) as { mediaType?: unknown; digest?: unknown };
    const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(typeof digest === 'string' ? digest : '') ?? [];
    return mediaType === `application/vnd.ollama.image.${kind}` && hex !== undefined ? [`sha256-${hex}`] : [];
  });
}

function merge(results: readonly ScanResult[]): ScanResult {
  return {
    models: results.flatMap(({ models }) => models),
    folders: results.flatMap(({ folders }) => folders),
  };
}

const passedOver: ReadonlySet<unknown> = new Set([
  'ENOENT',
  'ENOTDIR',
  'EACCES',
  'EPERM',
  'ELOOP',
  'ENAMETOOLONG',
  'EIO',
]);

async function unlessUnreadable<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (passedOver.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
