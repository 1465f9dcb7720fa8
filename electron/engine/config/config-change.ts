import { formatPath } from './config-issue.ts';
import type {
  CommandModelConfig,
  FileModelConfig,
  ListenerConfig,
  ModelConfig,
  ResolvedConfig,
} from './resolved-config.ts';

/**
 * What one configuration changes about another, sorted by what has to happen. Pure: nothing is stopped, started or
 * applied here.
 */

export interface ConfigChange {
  /** Ids, in the order of the new file. */
  readonly added: readonly string[];
  /** Ids, in the order of the old file. */
  readonly removed: readonly string[];
  /** Models whose process cannot go on as it runs, with the keys that made it so. */
  readonly restarted: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  /** Models whose process goes on; what changed is used by Corral itself, from the next decision on. */
  readonly updated: readonly { readonly id: string; readonly keys: readonly string[] }[];
  /** Paths outside of `models`, as they are written in the file: `memory.maxLoaded`. Lists count as one value. */
  readonly settings: readonly string[];
  /** `server.host` or `server.port` changed, so that Corral must listen elsewhere. */
  readonly isListenerChanged: boolean;
  /** Anything under `engine` changed. */
  readonly isEngineChanged: boolean;
}

interface ModelField {
  /** As it is written in the file. */
  readonly key: string;
  /** `restart`: the running process has it in its command line, environment or folder, or was judged ready by it. */
  readonly effect: 'restart' | 'update';
}

type ModelFieldName = Exclude<keyof FileModelConfig | keyof CommandModelConfig, 'id'>;

/** Complete by type: a field that is added to a model does not compile until it is sorted in here. */
const modelFields: Readonly<Record<ModelFieldName, ModelField>> = {
  kind: { key: 'kind', effect: 'restart' },
  file: { key: 'file', effect: 'restart' },
  mmproj: { key: 'mmproj', effect: 'restart' },
  contextSize: { key: 'contextSize', effect: 'restart' },
  gpuLayers: { key: 'gpuLayers', effect: 'restart' },
  kvCacheType: { key: 'kvCacheType', effect: 'restart' },
  parallel: { key: 'parallel', effect: 'restart' },
  embeddings: { key: 'embeddings', effect: 'restart' },
  pooling: { key: 'pooling', effect: 'restart' },
  rerank: { key: 'rerank', effect: 'restart' },
  devices: { key: 'devices', effect: 'restart' },
  rpc: { key: 'rpc', effect: 'restart' },
  args: { key: 'args', effect: 'restart' },
  keepKvCache: { key: 'keepKvCache', effect: 'restart' },
  env: { key: 'env', effect: 'restart' },
  command: { key: 'command', effect: 'restart' },
  firstPort: { key: 'firstPort', effect: 'restart' },
  cwd: { key: 'cwd', effect: 'restart' },
  health: { key: 'health', effect: 'restart' },
  readyPattern: { key: 'readyPattern', effect: 'restart' },
  proxy: { key: 'proxy', effect: 'restart' },
  stopCommand: { key: 'stopCommand', effect: 'update' },
  aliases: { key: 'aliases', effect: 'update' },
  concurrency: { key: 'concurrency', effect: 'update' },
  queue: { key: 'queue', effect: 'update' },
  ttlMs: { key: 'ttl', effect: 'update' },
  startTimeoutMs: { key: 'startTimeout', effect: 'update' },
  answerTimeoutMs: { key: 'answerTimeout', effect: 'update' },
  stopGraceMs: { key: 'stopGrace', effect: 'update' },
  pinned: { key: 'pinned', effect: 'update' },
  startup: { key: 'startup', effect: 'update' },
  priority: { key: 'priority', effect: 'update' },
  filters: { key: 'filters', effect: 'update' },
  isUnlisted: { key: 'unlisted', effect: 'update' },
};

type SettingsSection = Exclude<keyof ResolvedConfig, 'filePath' | 'foreign' | 'models' | 'foundModel'>;

/** Complete by type, so that no section is forgotten. */
const settingsSections: Readonly<Record<SettingsSection, true>> = {
  server: true,
  engine: true,
  memory: true,
  scheduler: true,
  log: true,
  telemetry: true,
  updates: true,
  catalog: true,
  sets: true,
  pools: true,
  listeners: true,
};

/** Names in the resolved configuration that differ from those in the file by more than the unit `Ms` at the end. */
const writtenNames: Readonly<Record<string, string>> = { maxFileBytes: 'maxFileSize', maxBytes: 'maxSize' };

/**
 * What changes from `before` to `after`. The order of models alone, and that of variables in `env`, changes nothing. A
 * model that changes its kind has that as its only reason; one that must restart is not listed as updated too.
 */
export function decideConfigChange(before: ResolvedConfig, after: ResolvedConfig): ConfigChange {
  const settings = (Object.keys(settingsSections) as SettingsSection[]).flatMap((section) =>
    changedSettings(before[section], after[section], [section]),
  );
  const hasOtherEngine = before.engine.path !== after.engine.path;

  const restarted: { id: string; reasons: string[] }[] = [];
  const updated: { id: string; keys: string[] }[] = [];
  for (const [id, model] of after.models) {
    const old = before.models.get(id);
    if (old === undefined) continue;
    const changed = changedFields(old, model);
    const reasons = changed.filter(({ effect }) => effect === 'restart').map(({ key }) => key);
    if (hasOtherEngine && old.kind === 'file' && model.kind === 'file') reasons.push('engine.path');
    if (reasons.length > 0) restarted.push({ id, reasons });
    else if (changed.length > 0) updated.push({ id, keys: changed.map(({ key }) => key) });
  }

  return {
    added: [...after.models.keys()].filter((id) => !before.models.has(id)),
    removed: [...before.models.keys()].filter((id) => !after.models.has(id)),
    restarted,
    updated,
    settings,
    isListenerChanged: before.server.host !== after.server.host || before.server.port !== after.server.port,
    isEngineChanged: !isSameValue(before.engine, after.engine),
  };
}

/** Whether a change asks for nothing to be done. */
export function isEmptyChange(change: ConfigChange): boolean {
  const { added, removed, restarted, updated, settings } = change;
  return [added, removed, restarted, updated, settings].every((list) => list.length === 0);
}

/** Whether an address can go on as it is. */
export function isSameListener(before: ListenerConfig, after: ListenerConfig): boolean {
  return isSameValue(before, after);
}

function changedFields(before: ModelConfig, after: ModelConfig): ModelField[] {
  // Fields of the one kind mean nothing to the other.
  if (before.kind !== after.kind) return [modelFields.kind];
  const [old, now] = [
    new Map<string, unknown>(Object.entries(before)),
    new Map<string, unknown>(Object.entries(after)),
  ];
  return Object.entries(modelFields).flatMap(([name, field]) =>
    isSameValue(old.get(name), now.get(name)) ? [] : [field],
  );
}

function changedSettings(before: unknown, after: unknown, at: readonly string[]): string[] {
  if (isSameValue(before, after)) return [];
  const [old, now] = [asGroup(before), asGroup(after)];
  if (old === undefined || now === undefined) return [formatPath(at)];
  // The names in a map are the user's own.
  const isNamedByUser = before instanceof Map;
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) =>
    changedSettings(old.get(name), now.get(name), [...at, isNamedByUser ? name : writtenName(name)]),
  );
}

function writtenName(name: string): string {
  if (Object.hasOwn(writtenNames, name)) return writtenNames[name] ?? name;
  const [, first, rest] = /^is([A-Z])(\w*)$/.exec(name) ?? [];
  return first === undefined ? name.replace(/Ms$/, '') : `${first.toLowerCase()}${rest ?? ''}`;
}

function asGroup(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (value instanceof Map) return value as ReadonlyMap<string, unknown>;
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RegExp);
  return isGroup ? new Map(Object.entries(value)) : undefined;
}

/** A key that is missing is the same as one that is undefined; the order of keys does not count, that of lists does. */
function isSameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof RegExp && b instanceof RegExp) return a.source === b.source && a.flags === b.flags;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((entry, index) => isSameValue(entry, b[index]));
  }
  const [left, right] = [asGroup(a), asGroup(b)];
  if (left === undefined || right === undefined) return false;
  return [...new Set([...left.keys(), ...right.keys()])].every((key) => isSameValue(left.get(key), right.get(key)));
}
