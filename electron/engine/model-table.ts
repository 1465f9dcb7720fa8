import type { ModelConfig, SetConfig } from './config/resolved-config.ts';

export interface ResolvedName {
  readonly modelId: string;
  /** The set it was asked for by, if it was. */
  readonly setName: string | undefined;
}

export interface ModelTable {
  readonly models: ReadonlyMap<string, ModelConfig>;
  readonly sets: ReadonlyMap<string, SetConfig>;
  /** By exact id, then alias, then `set/model`, so that ids with slashes keep working. */
  resolve(name: string): ResolvedName | undefined;
  /**
   * The model an upstream path begins with, and what follows it as it was written: the longest known name wins, since ids
   * may hold slashes. `path` is percent-encoded and has no leading slash.
   */
  resolvePrefix(path: string): { modelId: string; rest: string } | undefined;
}

/** The names requests can use. Pure. */
export function createModelTable(
  models: ReadonlyMap<string, ModelConfig>,
  sets: ReadonlyMap<string, SetConfig>,
): ModelTable {
  const aliases = new Map([...models.values()].flatMap((model) => model.aliases.map((alias) => [alias, model.id])));
  const resolveModel = (name: string): string | undefined => (models.has(name) ? name : aliases.get(name));

  function resolve(name: string): ResolvedName | undefined {
    const modelId = resolveModel(name);
    if (modelId !== undefined) return { modelId, setName: undefined };
    for (const [setName, set] of sets) {
      if (!name.startsWith(`${setName}/`)) continue;
      const member = resolveModel(name.slice(setName.length + 1));
      if (member !== undefined && set.models.includes(member)) return { modelId: member, setName };
    }
    return undefined;
  }

  return {
    models,
    sets,
    resolve,
    resolvePrefix(path) {
      for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
        const name = decode(path.slice(0, end));
        const found = name === undefined ? undefined : resolve(name);
        if (found !== undefined) return { modelId: found.modelId, rest: path.slice(end) };
      }
      return undefined;
    },
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (thrown) {
    if (thrown instanceof URIError) return undefined;
    throw thrown;
  }
}
