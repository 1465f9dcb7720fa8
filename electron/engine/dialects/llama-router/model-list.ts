import type { FoundModel } from './find-models.ts';
import { DEFAULT_SPAWN } from './router-file.ts';

/**
 * Changes to the list of models in a router's file. What they do not concern, keys of later versions among it, stays as it
 * is written. Pure.
 */

export type RouterDocument = Readonly<Record<string, unknown>>;

export interface ListChange {
  readonly document: RouterDocument;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Adds what is not there yet, by path. A name that is taken gets the folder of its file in front. */
export function addModels(
  document: RouterDocument,
  found: readonly FoundModel[],
  options: {
    readonly state: 'auto' | 'manual';
    /** Makes one of the spellings of a path. */
    samePath(path: string): string;
  },
): ListChange {
  const models = modelsOf(document);
  const paths = new Set(models.map((model) => options.samePath(textOf(model['path']))));
  const names = new Set(models.map((model) => textOf(model['name'])));
  const added: Record<string, unknown>[] = [];
  for (const { name, path, mmproj } of found) {
    const known = options.samePath(path);
    if (paths.has(known)) continue;
    paths.add(known);
    const ownName = freeName(name, path, names);
    names.add(ownName);
    added.push({
      name: ownName,
      path,
      state: options.state,
      group: '',
      ...(mmproj === undefined ? {} : { spawn: withProjector(document, mmproj) }),
    });
  }
  return {
    document: added.length === 0 ? document : { ...document, models: [...models, ...added] },
    added: added.map((model) => textOf(model['name'])),
    removed: [],
  };
}

/** Takes away `auto` models whose file is gone; manual ones stay whatever became of theirs. */
export function removeGoneModels(document: RouterDocument, isGone: (path: string) => boolean): ListChange {
  const models = modelsOf(document);
  const gone = models.filter((model) => model['state'] === 'auto' && isGone(textOf(model['path'])));
  return {
    document: gone.length === 0 ? document : { ...document, models: models.filter((model) => !gone.includes(model)) },
    added: [],
    removed: gone.map((model) => textOf(model['name'])),
  };
}

/** Paths of the `auto` models, which may have to go. */
export function autoPaths(document: RouterDocument): string[] {
  return modelsOf(document)
    .filter((model) => model['state'] === 'auto')
    .map((model) => textOf(model['path']));
}

/** Paths of all models. */
export function modelPaths(document: RouterDocument): string[] {
  return modelsOf(document).map((model) => textOf(model['path']));
}

function modelsOf(document: RouterDocument): readonly Readonly<Record<string, unknown>>[] {
  const models = document['models'];
  return Array.isArray(models) ? (models as Readonly<Record<string, unknown>>[]) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function freeName(name: string, path: string, taken: ReadonlySet<string>): string {
  const folders = path.split(/[/\\]/).slice(0, -1);
  let candidate = name;
  while (taken.has(candidate)) candidate = `${folders.pop() ?? 'other'}-${candidate}`;
  return candidate;
}

/** An override of the whole spawn, since llama-router merges nothing into it. */
function withProjector(document: RouterDocument, mmproj: string): Record<string, unknown> {
  const written = document['default_spawn'];
  const spawn: Record<string, unknown> = Array.isArray(written)
    ? { command: written as unknown[] }
    : { ...(written as Record<string, unknown> | undefined) };
  const command = Array.isArray(spawn['command']) ? (spawn['command'] as unknown[]) : DEFAULT_SPAWN.command;
  return {
    proxy_endpoints: DEFAULT_SPAWN.proxyEndpoints,
    health_endpoint: DEFAULT_SPAWN.healthEndpoint,
    ...spawn,
    command: [...command, '--mmproj', mmproj],
  };
}
