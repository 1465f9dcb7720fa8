import type { ConfigIssue, LocatedIssue, PathSegment } from '../../config/config-issue.ts';
import { formatConfigIssue, formatPath } from '../../config/config-issue.ts';
import { explainZodIssues } from '../../config/explain-zod-issues.ts';
import type { ImportEntry } from '../foreign-format.ts';
import { isEarlyForm, llamaSwapDocument, normaliseDocument, type LlamaSwapDocument } from './document.ts';
import { createImportContext, seconds, type ImportContext } from './import-context.ts';
import { importModels, type ModelDetails } from './import-models.ts';
import { importSets } from './import-sets.ts';
import { createMacroExpander, type MacroValue } from './macros.ts';

/** The program listens on all addresses unless it is told otherwise. */
const LLAMA_SWAP_HOST = '0.0.0.0';
const LLAMA_SWAP_PORT = 8080;

/** Of the early form and of today's, in seconds; neither takes less than the least. */
const HEALTH_CHECK_TIMEOUT = { early: 15, today: 120, least: 15 } as const;

export type ImportedDocument =
  | {
      readonly ok: true;
      readonly native: Record<string, unknown>;
      readonly document: LlamaSwapDocument;
      readonly report: readonly ImportEntry[];
    }
  | { readonly ok: false; readonly errors: readonly ConfigIssue[]; readonly say: string };

/**
 * A configuration of llama-swap, early or today's, as a native one that does the same. Pure; never throws for what the file
 * holds.
 */
export function importLlamaSwap(
  written: unknown,
  surroundings: { readonly env: Readonly<Record<string, string | undefined>>; readonly platform: NodeJS.Platform },
): ImportedDocument {
  const value = normaliseDocument(written ?? {});
  const parsed = llamaSwapDocument.safeParse(value);
  if (!parsed.success) return refuse(explainZodIssues(parsed.error.issues, value));
  const document = parsed.data;
  const issues: LocatedIssue[] = [];
  const context = createImportContext({
    expander: createMacroExpander(surroundings.env, issues),
    macros: new Map<string, MacroValue>(Object.entries(document.macros ?? {})),
    isWindows: surroundings.platform === 'win32',
    isEarly: isEarlyForm(document),
    issues,
  });
  for (const at of anchorPaths(written)) context.mapped(at, 'written out where it is merged');
  if (document.macros !== undefined) context.mapped(['macros'], 'written out where they are used');

  const models = importModels(document, context);
  const { sets, maxLoaded } = importSets(document, models, context);
  preload(document, models, context);
  applyPriorities(document, models, context);
  const apiKeys = importKeys(document, context);
  const native: Record<string, unknown> = {
    ...(apiKeys.length === 0 ? {} : { server: { apiKeys } }),
    defaults: importDefaults(document, context),
    ...(maxLoaded === undefined ? {} : { memory: { maxLoaded } }),
    ...importSettings(document, context),
    models: models.native,
    ...(Object.keys(sets).length === 0 ? {} : { sets }),
    ...importPeers(document, context),
    listeners: [
      {
        dialect: 'llama-swap',
        host: LLAMA_SWAP_HOST,
        port: LLAMA_SWAP_PORT,
        options: listenerOptions(document, models.details, context),
      },
    ],
  };
  if (issues.length > 0) return refuse(issues);
  return { ok: true, native, document, report: context.report };
}

function refuse(issues: readonly LocatedIssue[]): ImportedDocument {
  const errors = issues.map(({ segments, message }) => ({ path: formatPath(segments), message }));
  return { ok: false, errors, say: sayErrors(errors) };
}

/** How llama-swap itself says it. */
function sayErrors(errors: readonly ConfigIssue[]): string {
  return errors.map((error) => `Error loading config: ${formatConfigIssue(error)}`).join('\n');
}

function importDefaults(document: LlamaSwapDocument, context: ImportContext): Record<string, unknown> {
  const { early, today, least } = HEALTH_CHECK_TIMEOUT;
  const timeout = context.wholeNumber(document.healthCheckTimeout, ['healthCheckTimeout'], Number.NEGATIVE_INFINITY);
  if (timeout !== undefined) {
    const note = timeout < least ? `${least} seconds, which is the least` : 'how long a model may take to be ready';
    context.mapped(['healthCheckTimeout'], note, ['defaults', 'startTimeout']);
  }
  const ttl = context.wholeNumber(document.globalTTL, ['globalTTL']);
  if (ttl !== undefined) context.mapped(['globalTTL'], 'idle time of all models', ['defaults', 'ttl']);
  const unloadTimeout = context.wholeNumber(document.unloadTimeout, ['unloadTimeout']) ?? 0;
  if (document.unloadTimeout !== undefined)
    context.mapped(['unloadTimeout'], 'time to stop', ['defaults', 'stopGrace']);
  return {
    startTimeout: seconds(Math.max(least, timeout ?? (context.isEarly ? early : today))),
    ttl: seconds(ttl ?? 0),
    ...(unloadTimeout > 0 ? { stopGrace: seconds(unloadTimeout) } : {}),
  };
}

function importSettings(document: LlamaSwapDocument, context: ImportContext): Record<string, unknown> {
  const native: Record<string, unknown> = {};
  if (document.logLevel !== undefined) {
    const level = document.logLevel.toLowerCase();
    if (/^(debug|info|warn|error)$/.test(level)) {
      native['log'] = { level };
      context.mapped(['logLevel'], "of Corral's own log", ['log', 'level']);
    } else context.dropped(['logLevel'], 'it is none of debug, info, warn, error');
  }
  const records = context.wholeNumber(document.metricsMaxInMemory, ['metricsMaxInMemory']);
  if (records !== undefined) {
    native['telemetry'] = { maxRecords: records };
    context.mapped(['metricsMaxInMemory'], 'records of requests kept in memory', ['telemetry', 'maxRecords']);
  }
  if (document.sendLoadingState !== undefined) {
    if (!context.isTrue(document.sendLoadingState)) native['scheduler'] = { waitingComments: { enabled: false } };
    context.approximated(
      ['sendLoadingState'],
      'comments on streams while they wait; nothing is put into what the model says',
      ['scheduler', 'waitingComments', 'enabled'],
    );
  }
  for (const [key, note] of Object.entries(DROPPED)) {
    if (document[key] !== undefined) context.dropped([key], note);
  }
  if (document['upstream'] !== undefined) {
    context.approximated(['upstream'], 'a GET below /upstream/ never loads a model unless it is asked to');
  }
  return native;
}

const DROPPED: Readonly<Record<string, string>> = {
  logTimeFormat: 'the log has the time of each line in ISO 8601',
  logToStdout: 'the log of Corral goes to standard error; those of models are under /logs and in the window',
  captureBuffer: 'Corral keeps no prompts or answers',
  store: 'records are kept in the data folder',
  ui: 'the window has its own settings',
  performance: 'memory is read as often as somebody looks at it',
};

function listenerOptions(
  document: LlamaSwapDocument,
  details: Readonly<Record<string, ModelDetails>>,
  context: ImportContext,
): Record<string, unknown> {
  const told = Object.fromEntries(Object.entries(details).filter(([, detail]) => Object.keys(detail).length > 0));
  const includesAliases = context.isTrue(document.includeAliasesInList);
  if (document.includeAliasesInList !== undefined) {
    context.mapped(['includeAliasesInList'], 'on the llama-swap address', ['listeners', 0, 'options']);
  }
  return {
    ...(includesAliases ? { includeAliasesInList: true } : {}),
    ...(Object.keys(told).length === 0 ? {} : { models: told }),
  };
}

type Models = ReturnType<typeof importModels>;

function preload(document: LlamaSwapDocument, models: Models, context: ImportContext): void {
  document.hooks?.on_startup?.preload?.forEach((name, index) => {
    const at: PathSegment[] = ['hooks', 'on_startup', 'preload', index];
    const id = models.resolve(name);
    const model = id === undefined ? undefined : models.native[id];
    if (id === undefined || model === undefined) {
      context.dropped(at, 'there is no model of that name');
      return;
    }
    model['startup'] = true;
    context.mapped(at, 'loaded at start', ['models', id, 'startup']);
  });
}

function applyPriorities(document: LlamaSwapDocument, models: Models, context: ImportContext): void {
  const path: PathSegment[] = ['routing', 'scheduler', 'settings', 'fifo', 'priority'];
  for (const [name, value] of Object.entries(document.routing?.scheduler?.settings?.fifo?.priority ?? {})) {
    const id = models.resolve(name);
    const model = id === undefined ? undefined : models.native[id];
    if (id === undefined || model === undefined) {
      context.dropped([...path, name], 'there is no model of that name');
      continue;
    }
    const priority = context.wholeNumber(value, [...path, name], Number.NEGATIVE_INFINITY) ?? 0;
    model['priority'] = Math.max(-1000, Math.min(1000, priority));
    context.approximated([...path, name], 'served first, and unloaded later', ['models', id, 'priority']);
  }
}

function importKeys(document: LlamaSwapDocument, context: ImportContext): Record<string, unknown>[] {
  return (document.apiKeys ?? []).map((written, index) => {
    const key = context.expander.expand(written, { macros: context.macros }, ['apiKeys', index]);
    context.mapped(['apiKeys', index], 'a key with a lane of its own', ['server', 'apiKeys', index]);
    return { name: `key ${index + 1}`, key };
  });
}

function importPeers(document: LlamaSwapDocument, context: ImportContext): Record<string, unknown> {
  const pools: Record<string, unknown> = {};
  for (const [name, peer] of Object.entries(document.peers ?? {})) {
    const at: PathSegment[] = ['peers', name];
    if (peer.models.length === 0) {
      context.dropped(at, 'it has no models');
      continue;
    }
    const scope = { macros: context.macros };
    const key = peer.apiKey === undefined ? '' : context.expander.expand(peer.apiKey, scope, [...at, 'apiKey']);
    pools[name] = {
      endpoints: [
        {
          url: context.expander.resolve(peer.proxy, scope, [...at, 'proxy']),
          ...(key === '' ? {} : { apiKey: key }),
          models: peer.models,
        },
      ],
    };
    for (const part of ['proxy', 'apiKey', 'models'] as const) {
      if (peer[part] !== undefined) context.mapped([...at, part], 'an endpoint of a pool', ['pools', name]);
    }
    if (peer['filters'] !== undefined) context.dropped([...at, 'filters'], 'requests to pools go on as they came');
    if (peer['timeouts'] !== undefined) {
      context.dropped([...at, 'timeouts'], 'Corral has one setting for all servers: server.timeouts');
    }
  }
  return Object.keys(pools).length === 0 ? {} : { pools };
}

/** Where `<<` stands. */
function anchorPaths(value: unknown, at: readonly PathSegment[] = []): PathSegment[][] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [PathSegment, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, entry]) => (key === '<<' ? [[...at, key]] : anchorPaths(entry, [...at, key])));
}
