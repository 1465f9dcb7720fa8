import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseSplitName } from '../../catalog/gguf-split.ts';

/** GGUF files below folders, as llama-router looks for them. */

export interface FoundModel {
  readonly name: string;
  readonly path: string;
  /** The projector in the same folder, if there is one. */
  readonly mmproj: string | undefined;
}

export interface Search {
  readonly models: readonly FoundModel[];
  /** Folders that could not be read, with the system's reason. */
  readonly unreadable: readonly { readonly folder: string; readonly reason: string }[];
}

/**
 * All models below the folders, in order of their paths. Links to files count, links to folders are not followed (they may
 * lead in circles). A file that is reached twice is told of once; of a model in parts, the first part is the model. A
 * folder that does not exist has none.
 */
export async function findModels(folders: readonly string[]): Promise<Search> {
  const unreadable: { folder: string; reason: string }[] = [];
  const models: FoundModel[] = [];
  const seen = new Set<string>();

  async function search(folder: string): Promise<void> {
    const files: string[] = [];
    const subfolders: string[] = [];
    try {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const entryPath = path.join(folder, entry.name);
        if (entry.isDirectory()) subfolders.push(entryPath);
        else if (/\.gguf$/i.test(entry.name) && (await isFile(entryPath))) files.push(entryPath);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      if (code !== 'ENOENT') unreadable.push({ folder, reason: code });
      return;
    }
    const mmproj = chooseProjector(files);
    for (const file of files.sort()) {
      if (isProjector(file) || (parseSplitName(file)?.part ?? 1) > 1) continue;
      const target = await realpath(file);
      if (seen.has(target)) continue;
      seen.add(target);
      models.push({ name: path.basename(file), path: file, mmproj });
    }
    for (const subfolder of subfolders.sort()) await search(subfolder);
  }

  for (const folder of folders) await search(path.resolve(folder));
  return { models, unreadable };
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    // A link whose target is gone, which is how a cache looks after a part of it was removed.
    if ((error as NodeJS.ErrnoException).code !== undefined) return false;
    throw error;
  }
}

function isProjector(file: string): boolean {
  return path.basename(file).toLowerCase().includes('mmproj');
}

/** Of the projectors of a folder the most precise of those made for inference. Pure. */
export function chooseProjector(files: readonly string[]): string | undefined {
  const projectors = files.filter(isProjector).sort();
  const rank = (file: string): number => {
    const name = path.basename(file).toLowerCase();
    const position = ['bf16', 'f16', 'f32'].findIndex((type) => new RegExp(`(^|[^a-z0-9])${type}`).test(name));
    return position === -1 ? 3 : position;
  };
  return projectors.sort((one, other) => rank(one) - rank(other))[0];
}

/** Where Hugging Face's and llama.cpp's own downloads are kept. Pure. */
export function cacheFolders(env: Readonly<Record<string, string | undefined>>, homeFolder: string): string[] {
  const hub = env['HF_HUB_CACHE'] ?? (env['HF_HOME'] === undefined ? undefined : path.join(env['HF_HOME'], 'hub'));
  return [
    hub ?? path.join(homeFolder, '.cache', 'huggingface', 'hub'),
    env['LLAMA_CACHE'] ?? path.join(homeFolder, '.cache', 'llama.cpp'),
  ];
}
