import { formatPath, type ConfigIssue } from '../../config/config-issue.ts';
import type { ImportEntry } from '../foreign-format.ts';
import { literal } from '../literal.ts';
import type { IniEntry, IniSection } from './parse-ini.ts';
import { findPresetFlag, type PresetFlag } from './preset-flags.ts';

export interface ImportedPresets {
  readonly native: Record<string, unknown>;
  readonly report: readonly ImportEntry[];
  /** Keys and sections that are left out, for whoever serves the file. */
  readonly warnings: readonly ConfigIssue[];
}

/** Settings of all models, in the section of this name. */
const GLOBAL_SECTION = '*';

/** In front of the first section only this means something. */
const VERSION_KEY = 'version';

/** What Corral decides at each start, or has settings of its own for. */
const OWN_FLAGS: Readonly<Record<string, string>> = {
  host: 'Corral decides where a model listens',
  port: 'Corral decides where a model listens',
  'reuse-port': 'Corral decides where a model listens',
  'api-key': 'Corral gives each model a key of its own; those of clients are server.apiKeys',
  'api-key-file': 'Corral gives each model a key of its own; those of clients are server.apiKeys',
  'api-prefix': 'Corral passes on the routes as they are',
  path: 'the window of Corral takes the place of pages of llama-server',
  ui: 'the window of Corral takes the place of pages of llama-server',
  'ui-config': 'the window of Corral takes the place of pages of llama-server',
  'ui-config-file': 'the window of Corral takes the place of pages of llama-server',
  'ui-mcp-proxy': 'it opens the network to whoever may use the model',
  tools: 'it opens a shell to whoever may use the model',
  'tools-runtime': 'it opens a shell to whoever may use the model',
  'mcp-servers-config': 'it opens a shell to whoever may use the model',
  'mcp-servers-json': 'it opens a shell to whoever may use the model',
  agent: 'it opens a shell to whoever may use the model',
  'ssl-key-file': 'models are asked over plain HTTP on this machine',
  'ssl-cert-file': 'models are asked over plain HTTP on this machine',
  'cors-origins': 'pages that may ask are server.allowedOrigins',
  'cors-methods': 'pages that may ask are server.allowedOrigins',
  'cors-headers': 'pages that may ask are server.allowedOrigins',
  'cors-credentials': 'pages that may ask are server.allowedOrigins',
  'models-dir': 'folders with models are catalog.folders',
  'models-max': 'it is of the router, not of a model',
  'models-preset': 'it is of the router, not of a model',
  'models-autoload': 'it is of the router, not of a model',
  'hf-token': 'set HF_TOKEN in the environment, where it is not written down',
  tags: 'Corral has no tags',
};

/** Options that only presets have. */
const EXCLUSIVE_KEYS = new Set(['load-on-startup', 'stop-timeout', 'dedup-cache-models']);

/** `user/repo`, with or without a quantization: what such a section is named after is fetched by that name. */
const REPOSITORY = /^[\w.-]+\/[\w.-]+(?::[\w.-]+)?$/;

/**
 * A file for `llama-server --models-preset` as a native configuration: a section becomes a model, with what `[*]` says of all.
 * A key that nobody knows is left out with a warning, where llama.cpp's router would not start. Pure.
 */
export function importPresets(sections: readonly IniSection[]): ImportedPresets {
  const models: Record<string, Record<string, unknown>> = {};
  const native: Record<string, unknown> = { models };
  const report: ImportEntry[] = [];
  const warnings: ConfigIssue[] = [];
  const drop = (path: string, note: string): void => {
    report.push({ path, outcome: 'dropped', note });
    warnings.push({ path, message: `is left out: ${note}` });
  };
  const everywhere = sections.find(({ name }) => name === GLOBAL_SECTION)?.entries ?? [];

  for (const { name, entries } of sections) {
    if (name === undefined) {
      for (const { key } of entries) {
        if (key === VERSION_KEY) report.push({ path: key, outcome: 'mapped', note: 'the version of the format' });
        else drop(key, 'it stands in front of the first section; what is meant for all models belongs in [*]');
      }
      continue;
    }
    if (name === GLOBAL_SECTION) {
      for (const entry of entries) reportGlobal(entry, native, report, drop);
      continue;
    }
    const model = createModel(name);
    for (const entry of effective(everywhere, entries)) {
      const isOwn = entries.includes(entry);
      const path = formatPath([name, entry.key]);
      model.take(entry, (outcome, note, to) => {
        if (!isOwn) return;
        if (outcome === 'dropped') drop(path, note);
        else
          report.push({ path, outcome, note, ...(to === undefined ? {} : { to: formatPath(['models', name, to]) }) });
      });
    }
    const made = model.finish();
    if (made === undefined) {
      drop(formatPath([name]), 'it names no file; set model = /path/to/model.gguf');
      continue;
    }
    models[name] = made.native;
    if (made.note !== undefined) report.push({ path: formatPath([name]), outcome: 'approximated', note: made.note });
  }
  return { native, report, warnings };
}

/** What holds for a model: all models' keys, then its own; two spellings of one flag are one key. */
function effective(everywhere: readonly IniEntry[], own: readonly IniEntry[]): IniEntry[] {
  const named = (entry: IniEntry): string => findPresetFlag(bare(entry.key))?.name ?? entry.key;
  const overridden = new Set(own.map(named));
  return [...everywhere.filter((entry) => !overridden.has(named(entry))), ...own];
}

function bare(key: string): string {
  return key.replace(/^-+/, '');
}

function reportGlobal(
  { key, value }: IniEntry,
  native: Record<string, unknown>,
  report: ImportEntry[],
  drop: (path: string, note: string) => void,
): void {
  const path = formatPath([GLOBAL_SECTION, key]);
  const flag = findPresetFlag(bare(key));
  if (flag?.name === 'models-max') {
    const count = Number(value);
    if (Number.isInteger(count) && count > 0) native['memory'] = { maxLoaded: count };
    report.push({ path, outcome: 'mapped', note: 'models loaded at once', to: 'memory.maxLoaded' });
  } else if (flag !== undefined && OWN_FLAGS[flag.name] !== undefined) drop(path, OWN_FLAGS[flag.name] ?? '');
  else if (flag === undefined && !EXCLUSIVE_KEYS.has(key)) drop(path, UNKNOWN);
  else report.push({ path, outcome: 'mapped', note: 'given to every model that does not say otherwise' });
}

const UNKNOWN = 'no flag of llama-server has this name';

type Note = (outcome: ImportEntry['outcome'], note: string, to?: string) => void;

interface ModelInTheMaking {
  take(entry: IniEntry, note: Note): void;
  /** Undefined if it names nothing to load. */
  finish(): { native: Record<string, unknown>; note: string | undefined } | undefined;
}

function createModel(id: string): ModelInTheMaking {
  const native: Record<string, unknown> = {};
  const args: string[] = [];
  let repository: string | undefined;
  const cacheTypes: { k?: string; v?: string } = {};

  function set(key: string, value: unknown, note: Note, text = 'as Corral calls it'): void {
    native[key] = value;
    note('mapped', text, key);
  }

  function takeFlag(flag: PresetFlag & { isNegated: boolean }, value: string, note: Note): void {
    const own = OWN_FLAGS[flag.name];
    if (own !== undefined) {
      note('dropped', own);
      return;
    }
    const number = /^-?\d+$/.test(value) ? Number(value) : undefined;
    switch (flag.name) {
      case 'model':
        set('file', literal(value), note, 'relative paths start at the folder of the file');
        return;
      case 'hf-repo':
        repository = value;
        note('approximated', 'llama-server fetches it itself, by its own name on PATH');
        return;
      case 'mmproj':
        set('mmproj', literal(value), note);
        return;
      case 'ctx-size':
        if (number === undefined || number < 0) break;
        set('contextSize', number, note);
        return;
      case 'gpu-layers':
        if (value !== 'auto' && value !== 'all' && (number === undefined || number < 0)) break;
        set('gpuLayers', number ?? value, note);
        return;
      case 'parallel':
        if (number === undefined || number < 1) break;
        set('parallel', number, note);
        return;
      case 'cache-type-k':
        cacheTypes.k = value;
        note('mapped', 'type of the KV cache', 'kvCacheType');
        return;
      case 'cache-type-v':
        cacheTypes.v = value;
        note('mapped', 'type of the KV cache', 'kvCacheType');
        return;
      case 'device':
        set(
          'devices',
          value.split(',').map((name) => name.trim()),
          note,
        );
        return;
      case 'alias':
        set(
          'aliases',
          value
            .split(',')
            .map((name) => literal(name.trim()))
            .filter((name) => name !== '' && name !== id),
          note,
        );
        return;
      case 'embedding':
      case 'rerank':
        if (isOn(value) !== undefined) set(flag.name === 'rerank' ? 'rerank' : 'embeddings', isOn(value), note);
        else note('dropped', 'it is neither true nor false');
        return;
      case 'pooling':
        if (!/^(none|mean|cls|last|rank)$/.test(value)) break;
        set('pooling', value, note);
        return;
      case 'sleep-idle-seconds':
        native['ttl'] = number === undefined || number < 0 ? 0 : seconds(number);
        note('approximated', 'the whole process ends, so that all of its memory comes back', 'ttl');
        return;
      default:
        break;
    }
    if (flag.takesValue) {
      args.push(`--${flag.name}`, literal(value));
      note('mapped', 'an argument of llama-server', 'args');
      return;
    }
    takeSwitch(flag, value, note);
  }

  function takeSwitch(flag: PresetFlag & { isNegated: boolean }, value: string, note: Note): void {
    const written = isOn(value);
    if (written === undefined) {
      note('dropped', 'it is neither true nor false');
      return;
    }
    if (written !== flag.isNegated) args.push(`--${flag.name}`);
    else if (flag.negative !== undefined) args.push(`--${flag.negative}`);
    note(
      'mapped',
      written || flag.negative !== undefined ? 'an argument of llama-server' : 'not given: it is off then',
      'args',
    );
  }

  return {
    take({ key, value }, note) {
      if (key === 'load-on-startup') set('startup', isOn(value) === true, note, 'loaded at start');
      else if (key === 'stop-timeout') {
        if (/^\d+$/.test(value)) set('stopGrace', seconds(Number(value)), note, 'time to stop');
        else note('dropped', 'it is no number of seconds');
      } else if (key === 'dedup-cache-models') note('dropped', 'Corral lists each model once');
      else {
        const flag = findPresetFlag(bare(key));
        if (flag === undefined) note('dropped', UNKNOWN);
        else takeFlag(flag, value, note);
      }
    },
    finish() {
      const { k, v } = cacheTypes;
      if (k !== undefined && k === v) native['kvCacheType'] = k;
      else {
        if (k !== undefined) args.push('--cache-type-k', k);
        if (v !== undefined) args.push('--cache-type-v', v);
      }
      if (native['file'] !== undefined) {
        if (args.length > 0) native['args'] = args;
        return { native, note: undefined };
      }
      const named = repository ?? (REPOSITORY.test(id) ? id : undefined);
      return named === undefined ? undefined : fetchedModel(native, args, named);
    },
  };
}

/** A model that llama-server fetches from Hugging Face: Corral has no file to build its command line for. */
function fetchedModel(
  native: Readonly<Record<string, unknown>>,
  args: readonly string[],
  repository: string,
): { native: Record<string, unknown>; note: string } {
  const flagOf: Readonly<Record<string, string>> = {
    mmproj: '--mmproj',
    contextSize: '--ctx-size',
    gpuLayers: '--n-gpu-layers',
    parallel: '--parallel',
    pooling: '--pooling',
    embeddings: '--embeddings',
    rerank: '--reranking',
    devices: '--device',
    kvCacheType: '--cache-type-k',
  };
  const kept: Record<string, unknown> = {};
  const words = ['llama-server', '--host', '${HOST}', '--port', '${PORT}', '--hf-repo', literal(repository)];
  for (const [key, value] of Object.entries(native)) {
    const flag = flagOf[key];
    if (flag === undefined) kept[key] = value;
    else if (value === true) words.push(flag);
    else if (value !== false) words.push(flag, Array.isArray(value) ? value.join(',') : String(value));
    if (key === 'kvCacheType') words.push('--cache-type-v', String(value));
  }
  return {
    native: { ...kept, command: [...words, ...args] },
    note: 'a command: llama-server fetches the model itself, and must be on PATH; `corral pull` makes it a file',
  };
}

function isOn(value: string): boolean | undefined {
  if (/^(true|1|on|yes|enabled|)$/i.test(value)) return true;
  return /^(false|0|off|no|disabled)$/i.test(value) ? false : undefined;
}

function seconds(count: number): string | 0 {
  return count === 0 ? 0 : `${count}s`;
}
