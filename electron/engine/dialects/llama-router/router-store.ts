import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { writeFileAtomically } from '../../config/atomic-write.ts';
import { findModels, type Search } from './find-models.ts';
import {
  addModels,
  autoPaths,
  modelPaths,
  removeGoneModels,
  type ListChange,
  type RouterDocument,
} from './model-list.ts';
import { newRouterFile } from './router-file.ts';

/** The router's own file on disk: made on the first run, and kept in step with the caches. */

/** `~/.config/llama.cpp/router-config.json`, on every system. */
export function defaultRouterFile(homeFolder: string): string {
  return path.join(homeFolder, '.config', 'llama.cpp', 'router-config.json');
}

export interface StoreSurroundings {
  readonly homeFolder: string;
  /** Where models that come and go are looked for. */
  readonly cacheFolders: readonly string[];
}

export interface RescanOutcome {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Makes the file and its folder if there is none; true if there was none. */
export async function ensureRouterFile(filePath: string): Promise<boolean> {
  try {
    await stat(filePath);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await mkdir(path.dirname(filePath), { recursive: true });
  await writeFileAtomically(filePath, formatRouterFile(newRouterFile()));
  return true;
}

/**
 * `auto` models whose file is gone leave the list, new files in the caches join it; written only if that changes it. `write`
 * puts the new text in the place of the file. Throws `conflict` if the file is none of llama-router.
 */
export async function rescanRouterFile(
  filePath: string,
  {
    homeFolder,
    cacheFolders,
    write = (text) => writeFileAtomically(filePath, text),
  }: StoreSurroundings & { write?(text: string): Promise<void> },
): Promise<RescanOutcome> {
  const search = await findModels(cacheFolders);
  return await change({ filePath, homeFolder, search, write }, async (document, samePath) => {
    const gone = new Set<string>();
    for (const each of autoPaths(document)) if (await isGone(expandHome(each, homeFolder))) gone.add(each);
    const removal = removeGoneModels(document, (each) => gone.has(each));
    const addition = addModels(removal.document, search.models, { state: 'auto', samePath });
    return { ...addition, removed: removal.removed };
  });
}

/** All models below a folder, as `manual` ones. Throws `not-found` where there is no such folder. */
export async function importFolder(
  filePath: string,
  folder: string,
  surroundings: Pick<StoreSurroundings, 'homeFolder'>,
): Promise<{ readonly outcome: RescanOutcome; readonly search: Search }> {
  const root = path.resolve(expandHome(folder, surroundings.homeFolder));
  if (!(await isFolder(root))) {
    throw new AppError('not-found', `${root} is no folder; check the path given to --import-dir.`);
  }
  const search = await findModels([root]);
  const outcome = await change(
    { filePath, homeFolder: surroundings.homeFolder, search, write: (text) => writeFileAtomically(filePath, text) },
    (document, samePath) => Promise.resolve(addModels(document, search.models, { state: 'manual', samePath })),
  );
  return { outcome, search };
}

/** One writer at a time: two rescans at once would each put back what the other took away. */
let lastChange: Promise<unknown> = Promise.resolve();

async function change(
  { filePath, homeFolder, search, write }: ChangeOptions,
  decide: (document: RouterDocument, samePath: (path: string) => string) => Promise<ListChange>,
): Promise<RescanOutcome> {
  const run = async (): Promise<RescanOutcome> => {
    const document = await read(filePath);
    const targets = new Map<string, string>();
    const paths = [...modelPaths(document), ...search.models.map((model) => model.path)];
    for (const each of paths) targets.set(each, await targetOf(path.resolve(expandHome(each, homeFolder))));
    const changed = await decide(document, (each) => targets.get(each) ?? each);
    if (changed.document !== document) await write(formatRouterFile(changed.document));
    return { added: changed.added, removed: changed.removed };
  };
  const turn = lastChange.then(run, run);
  lastChange = turn.catch(() => undefined);
  return await turn;
}

interface ChangeOptions {
  readonly filePath: string;
  readonly homeFolder: string;
  readonly search: Search;
  write(text: string): Promise<void>;
}

async function read(filePath: string): Promise<RouterDocument> {
  const text = await readFile(filePath, 'utf8');
  let document: unknown;
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw notARouterFile(filePath, 'it is not JSON', error);
  }
  const models = (document as { models?: unknown } | null)?.models;
  if (typeof document !== 'object' || document === null || (models !== undefined && !Array.isArray(models))) {
    throw notARouterFile(filePath, 'it has no list of `models`');
  }
  return document as RouterDocument;
}

function notARouterFile(filePath: string, problem: string, cause?: unknown): AppError {
  return new AppError('conflict', `${filePath} was left as it is: ${problem}, so it is no file of llama-router.`, {
    cause,
  });
}

function formatRouterFile(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

async function isGone(file: string): Promise<boolean> {
  try {
    await stat(file);
    return false;
  } catch (error) {
    // What only cannot be looked at now is not gone.
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}

async function targetOf(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return file;
  }
}

export function expandHome(written: string, homeFolder: string): string {
  return written === '~' || written.startsWith('~/') ? path.join(homeFolder, written.slice(1)) : written;
}
