import { isDeepStrictEqual } from 'node:util';
import type { ResolvedConfig } from './resolved-config.ts';

export interface ConfigChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly restarted: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  readonly updated: readonly { readonly id: string; readonly keys: readonly string[] }[];
  readonly settings: readonly string[];
  readonly isListenerChanged: boolean;
  readonly isEngineChanged: boolean;
}

export function decideConfigChange(before: ResolvedConfig, after: ResolvedConfig): ConfigChange {
  const ids = [...after.models.keys()];
  return {
    added: ids.filter((id) => !before.models.has(id)),
    removed: [...before.models.keys()].filter((id) => !after.models.has(id)),
    restarted: ids
      .filter((id) => before.models.has(id) && !isDeepStrictEqual(before.models.get(id), after.models.get(id)))
      .map((id) => ({ id, reasons: [] })),
    updated: [],
    settings: [],
    isListenerChanged: before.server.host !== after.server.host || before.server.port !== after.server.port,
    isEngineChanged: before.engine.path !== after.engine.path,
  };
}
