import type { ModelOrigin } from '#shared/contract/snapshot.ts';
import { quantOf } from './downloads/quant-names.ts';
import { parseSplitName } from './gguf-split.ts';

/** Models that were found on disk, from the files that were. Pure. */

export type FoundOrigin = Exclude<ModelOrigin, 'config' | 'demo'>;

/** A file that may be a model, a part of one, or the projector of another. */
export interface FoundFile {
  readonly path: string;
  /** Without links: the same for the same file wherever it was found. */
  readonly realPath: string;
  /** With `/` on every system. */
  readonly folder: string;
  readonly name: string;
}

export interface FoundModel {
  /** What it would be called if nobody else was. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly file: string;
  readonly realPath: string;
  readonly mmproj: string | undefined;
  readonly origin: FoundOrigin;
}

/** Split files as one, with all their parts; each with the projector of its folder. In the order of the paths. */
export function findModels(files: readonly FoundFile[], origin: FoundOrigin): FoundModel[] {
  const paths = new Set(files.map(({ path }) => path));
  const byFolder = new Map<string, FoundFile[]>();
  for (const file of files) byFolder.set(file.folder, [...(byFolder.get(file.folder) ?? []), file]);
  return [...byFolder.values()].flatMap((inFolder) => {
    const projectors = inFolder.filter(({ name }) => isProjectorName(name));
    const models = inFolder.filter(({ name, path }) => !isProjectorName(name) && isWhole(path, paths));
    const families = new Set(models.map(({ name }) => familyOf(name)));
    return models.map(({ path, realPath, name }) => ({
      name: idOf(name),
      aliases: [],
      file: path,
      realPath,
      mmproj: pairProjector(name, projectors, families.size === 1)?.path,
      origin,
    }));
  });
}

function isProjectorName(name: string): boolean {
  return /mmproj/i.test(name);
}

/** Whole files, and first parts with all others beside them. */
function isWhole(path: string, paths: ReadonlySet<string>): boolean {
  if (/imatrix/i.test(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1))) return false;
  const split = parseSplitName(path);
  return split === undefined || (split.part === 1 && split.paths.every((part) => paths.has(part)));
}

const projectorOrder = ['BF16', 'F16', 'F32'];

/** A folder with models of several families tells by the names which of them a projector is for. */
function pairProjector(name: string, projectors: readonly FoundFile[], isOneFamily: boolean): FoundFile | undefined {
  const family = familyOf(name);
  const own = projectors.filter((each) => isOneFamily || familyOf(each.name) === family);
  const rank = (file: FoundFile): number => {
    const at = projectorOrder.indexOf(quantOf(file.name) ?? '');
    return at === -1 ? projectorOrder.length : at;
  };
  return [...own].sort((a, b) => rank(a) - rank(b))[0];
}

/** What the files of one model have in common: their name without quantization, part number and `mmproj`. */
function familyOf(name: string): string {
  const bare = withoutEnding(name).toLowerCase();
  const quant = quantOf(name)?.toLowerCase();
  return bare
    .replace(/mmproj(-model)?/, '')
    .replace(quant ?? '', '')
    .replace(/[-._ ]+/g, '-')
    .replace(/^-|-$/g, '');
}

function withoutEnding(name: string): string {
  return name.replace(/\.gguf$/i, '').replace(/-\d{5}-of-\d{5}$/, '');
}

/** `Qwen3-8B-Q4_K_M.gguf` is `qwen3-8b-q4_k_m`. */
export function idOf(name: string): string {
  const id = withoutEnding(name)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 200);
  return id === '' ? 'model' : id;
}

export interface NamedModel {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly model: FoundModel;
}

/**
 * Gives each model an id that nobody else has: its own name, else that with a few digits that stand for its path. `taken`
 * holds the names of the configuration, which come first. What was called something before keeps that name, so that another
 * file with the same name does not change what clients know.
 */
export function nameModels(
  models: readonly FoundModel[],
  taken: ReadonlySet<string>,
  earlier: ReadonlyMap<string, string>,
  fingerprint: (text: string) => string,
): NamedModel[] {
  const used = new Set(taken);
  const ids = new Map<FoundModel, string>();
  const give = (model: FoundModel, id: string): void => {
    used.add(id);
    ids.set(model, id);
  };
  for (const model of models) {
    const id = earlier.get(model.realPath);
    if (id !== undefined && !used.has(id)) give(model, id);
  }
  for (const model of models) {
    if (ids.has(model)) continue;
    give(model, used.has(model.name) ? `${model.name}-${fingerprint(model.realPath)}` : model.name);
  }
  return models.map((model) => {
    const aliases = model.aliases.filter((alias) => !used.has(alias));
    for (const alias of aliases) used.add(alias);
    return { id: ids.get(model) ?? model.name, aliases, model };
  });
}
