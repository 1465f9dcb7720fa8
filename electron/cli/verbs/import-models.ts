import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { nameModels, type FoundModel, type NamedModel } from '../../engine/catalog/found-model.ts';
import { createGgufMetadataReader } from '../../engine/catalog/gguf-metadata.ts';
import { scanFolder } from '../../engine/catalog/scan-folders.ts';
import { configInvalidError } from '../../engine/config/config-issue.ts';
import { processFolders } from '../../engine/config/process-folders.ts';
import { loadConfig } from '../../engine/config/load-config.ts';
import { saveConfig } from '../../engine/config/save-config.ts';
import type { ModelConfig } from '../../engine/config/resolved-config.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';
import { findConfigFile } from './config.ts';

interface ImportedModel {
  readonly id: string;
  readonly file: string;
  readonly mmproj?: string;
  readonly embeddings?: true;
  readonly rerank?: true;
}

/**
 * `corral import PATH`: writes the model of a GGUF file, or all those of a folder, into the configuration; a running Corral
 * takes it up by itself. As JSON: `{ path, imported, skipped }`. Throws `not-found` if there is no model at the path, and
 * `config-invalid` if the configuration has errors.
 */
export async function importModels(
  context: VerbContext,
  { target, dataDir }: { readonly target: string; readonly dataDir: string | undefined },
): Promise<void> {
  const { terminal, isJson, signal } = context;
  const { platform, env, homeFolder } = processFolders();
  const { path: filePath } = await findConfigFile(dataDir, signal);
  const surroundings = { filePath, platform, env, homeFolder };
  const before = await loadConfig({ ...surroundings, isExplicit: false, signal });
  if (!before.ok) throw configInvalidError(filePath, before.errors);
  const configured = before.config.models;

  const known = new Set(await Promise.all([...configured.values()].map(realFileOf)));
  const found = (await findTargets(resolve(target))).filter(({ realPath }) => !known.has(realPath));
  const taken = new Set([
    ...configured.keys(),
    ...[...configured.values()].flatMap(({ aliases }) => aliases),
    'corral',
  ]);
  const { imported, skipped } = await describe(nameModels(found, taken, new Map(), fingerprint), signal);
  const [damaged] = skipped;
  if (damaged !== undefined && !(await stat(target)).isDirectory()) {
    throw new AppError('start-failed', damaged.reason);
  }
  if (imported.length > 0) {
    const edits = imported.map(({ id, ...model }) => ({ path: ['models', id], value: { ...model } }));
    const after = await saveConfig({ ...surroundings, edits, signal });
    if (!after.ok) throw configInvalidError(filePath, after.errors);
  }

  if (isJson) {
    writeJson(terminal, { path: filePath, imported, skipped });
    return;
  }
  for (const { id, file } of imported) terminal.write(`${printable(id)}  ${printable(file)}\n`);
  for (const { file, reason } of skipped) {
    terminal.writeError(`corral: ${printable(file)} was left out: ${printable(reason)}\n`);
  }
  const count = imported.length === 1 ? '1 model was' : `${imported.length} models were`;
  terminal.write(`${imported.length === 0 ? 'No model was' : count} added to ${printable(filePath)}\n`);
}

async function findTargets(target: string): Promise<readonly FoundModel[]> {
  const stats = await stat(target).catch((thrown: unknown) => {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw thrown;
    throw new AppError('not-found', `There is nothing at ${target}. Give the path of a GGUF file, or of a folder.`);
  });
  const { models } = await scanFolder(stats.isDirectory() ? target : dirname(target), 'folder');
  const real = await realpath(target);
  const meant = stats.isDirectory()
    ? models
    : models.filter(({ file, realPath }) => file === target || realPath === real);
  if (meant.length > 0) return meant;
  throw new AppError(
    'not-found',
    stats.isDirectory()
      ? `There is no GGUF file in ${target}.`
      : `${target} is no model: give a .gguf file, of a split model the first part with all others beside it.`,
  );
}

/** Reads what the files are: whoever adds a model wants to hear now that it is damaged. */
async function describe(
  models: readonly NamedModel[],
  signal: AbortSignal,
): Promise<{ imported: ImportedModel[]; skipped: { file: string; reason: string }[] }> {
  const metadata = createGgufMetadataReader();
  const imported: ImportedModel[] = [];
  const skipped: { file: string; reason: string }[] = [];
  try {
    for (const { id, model } of models) {
      try {
        const { kind } = await metadata.read(model.file, signal);
        if (kind === 'projector' || kind === 'adapter') {
          skipped.push({
            file: model.file,
            reason: `it is ${kind === 'adapter' ? 'an adapter' : 'a projector'}, and no model`,
          });
          continue;
        }
        imported.push({
          id,
          file: model.file,
          ...(model.mmproj === undefined ? {} : { mmproj: model.mmproj }),
          ...(kind === 'embedding' ? { embeddings: true } : {}),
          ...(kind === 'rerank' ? { rerank: true } : {}),
        });
      } catch (thrown) {
        signal.throwIfAborted();
        skipped.push({ file: model.file, reason: toAppError(thrown).message });
      }
    }
  } finally {
    await metadata.close();
  }
  return { imported, skipped };
}

async function realFileOf(model: ModelConfig): Promise<string> {
  if (model.kind === 'command') return '';
  return await realpath(model.file).catch(() => model.file);
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6);
}
