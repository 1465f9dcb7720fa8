import type { PathSegment } from '../../config/config-issue.ts';
import { splitCommand } from '../../config/split-command.ts';
import type { LlamaSwapDocument, LlamaSwapModel } from './document.ts';
import { seconds, type ImportContext } from './import-context.ts';
import { literal } from '../literal.ts';
import { literalAll, type MacroScope, type MacroValue } from './macros.ts';

/** What llama-swap counts ports from where the file does not say. */
const DEFAULT_START_PORT = 5800;

/** What the llama-swap address has to know of a model, first of all what its list of models tells. */
export interface ModelDetails {
  name?: string;
  description?: string;
  metadata?: unknown;
  unlistedAliases?: string[];
  concurrencyLimit?: number;
  sendLoadingState?: boolean;
}

export interface ImportedModels {
  readonly native: Readonly<Record<string, Record<string, unknown>>>;
  readonly details: Readonly<Record<string, ModelDetails>>;
  /** The id behind an id or alias of the file. */
  resolve(name: string): string | undefined;
}

export function importModels(document: LlamaSwapDocument, context: ImportContext): ImportedModels {
  const models = document.models ?? {};
  const startPort = context.wholeNumber(document.startPort, ['startPort'], 1);
  if (startPort !== undefined) context.mapped(['startPort'], 'ports of models that use ${PORT} are counted from here');
  let nextPort = startPort ?? DEFAULT_START_PORT;
  const hasFixedPorts = startPort !== undefined;
  const native: Record<string, Record<string, unknown>> = {};
  const details: Record<string, ModelDetails> = {};
  const owners = new Map<string, string>();
  for (const [id, model] of Object.entries(models)) {
    for (const alias of aliasesOf(model)) owners.set(alias.id, id);
  }

  // llama-swap gives ports in the order of the ids.
  const ports = new Map<string, number>();
  for (const id of Object.keys(models).sort()) {
    const model = models[id];
    if (model !== undefined && needsFixedPort(model, id, context, hasFixedPorts)) ports.set(id, nextPort++);
  }
  for (const [id, model] of Object.entries(models)) {
    const imported = importModel(id, model, ports.get(id), context);
    native[id] = imported.native;
    details[id] = imported.details;
  }
  return {
    native,
    details,
    resolve: (name) => (Object.hasOwn(models, name) ? name : owners.get(name)),
  };
}

/** `http://localhost:${PORT}` is what a native command has anyway, with a port that is free at each start. */
const PLAIN_PROXY = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\$\{PORT\}\/?$/;

function scopeOf(model: LlamaSwapModel, id: string, port: string | undefined, context: ImportContext): MacroScope {
  const macros = new Map<string, MacroValue>([...context.macros, ...Object.entries(model.macros ?? {})]);
  return { macros, modelId: id, port };
}

function needsFixedPort(model: LlamaSwapModel, id: string, context: ImportContext, hasFixedPorts: boolean): boolean {
  const silent = { ...scopeOf(model, id, '${PORT}', context) };
  const expanded = expandQuietly(model.cmd, silent);
  if (!expanded.includes('${PORT}')) return false;
  const proxy = model.proxy === undefined ? undefined : expandQuietly(model.proxy, silent);
  return hasFixedPorts || (proxy?.includes('${PORT}') === true && !PLAIN_PROXY.test(proxy));
}

/** Macros alone, to see what a text comes to; what is wrong with it is told when it is read. */
function expandQuietly(text: string, scope: MacroScope, depth = 0): string {
  if (depth > 8) return text;
  return text.replace(/\$\{([^}]*)\}/g, (match, name: string) => {
    const macro = scope.macros.get(name);
    return macro === undefined ? match : expandQuietly(String(macro), scope, depth + 1);
  });
}

function importModel(
  id: string,
  model: LlamaSwapModel,
  port: number | undefined,
  context: ImportContext,
): { native: Record<string, unknown>; details: ModelDetails } {
  const at = (...rest: PathSegment[]): PathSegment[] => ['models', id, ...rest];
  const { expander, mapped, approximated } = context;
  const scope = scopeOf(model, id, port === undefined ? '${PORT}' : String(port), context);
  const native: Record<string, unknown> = {};
  const details: ModelDetails = {};

  const command = commandOf(expander.expand(withoutComments(model.cmd), scope, at('cmd')), at('cmd'), context);
  native['command'] = command;
  mapped(at('cmd'), 'run without a shell, in the folder of the file', at('command'));
  if (model.macros !== undefined) mapped(at('macros'), 'written out where they are used');
  importProxy(model, { id, scope, port, command, native }, context);

  if (model.cmdStop !== undefined && model.cmdStop.trim() !== '') {
    const stop = expander.expand(withoutComments(model.cmdStop), { ...scope, hasPid: true }, at('cmdStop'));
    native['stopCommand'] = commandOf(stop, at('cmdStop'), context);
    mapped(at('cmdStop'), 'run before the process is told to end', at('stopCommand'));
  } else if (model.cmdStop !== undefined) mapped(at('cmdStop'), 'empty: the process is told to end');
  if (model.checkEndpoint !== undefined) {
    const path = expander.resolve(model.checkEndpoint, scope, at('checkEndpoint'));
    native['health'] = path === 'none' || path.startsWith('/') ? literal(path) : `/${literal(path)}`;
    mapped(
      at('checkEndpoint'),
      path === 'none' ? 'ready as soon as it runs' : 'asked until it answers 200',
      at('health'),
    );
  }
  const ttl = context.wholeNumber(model.ttl, at('ttl'), -1);
  if (ttl === -1) mapped(at('ttl'), 'as all models');
  else if (ttl !== undefined) {
    native['ttl'] = seconds(ttl);
    mapped(at('ttl'), ttl === 0 ? 'never unloaded for being idle' : 'unloaded when idle for as long', at('ttl'));
  }
  const unloadTimeout = context.wholeNumber(model.unloadTimeout, at('unloadTimeout'));
  if (unloadTimeout !== undefined) {
    if (unloadTimeout > 0) native['stopGrace'] = seconds(unloadTimeout);
    mapped(at('unloadTimeout'), unloadTimeout > 0 ? 'time to stop' : 'as all models', at('stopGrace'));
  }
  const limit = context.wholeNumber(model.concurrencyLimit, at('concurrencyLimit'));
  if (limit !== undefined) {
    if (limit > 0) {
      native['concurrency'] = limit;
      details.concurrencyLimit = limit;
      const note = 'requests beyond it are refused on the llama-swap address, and wait in the queue on others';
      mapped(at('concurrencyLimit'), note, at('concurrency'));
    } else approximated(at('concurrencyLimit'), 'as many as the server takes, not ten', at('concurrency'));
  }
  importEnvironment(model, scope, native, at, context);
  const filters = importFilters(model, scope, at, context);
  importAliases(model, { id, native, details, extra: filters.aliases }, context);
  if (model.useModelName !== undefined && model.useModelName !== '') {
    filters.native['model'] = literal(expander.resolve(model.useModelName, scope, at('useModelName')));
    mapped(at('useModelName'), 'the name the server is told', at('filters', 'model'));
  }
  if (Object.keys(filters.native).length > 0) native['filters'] = filters.native;
  if (model.unlisted !== undefined) {
    if (context.isTrue(model.unlisted)) native['unlisted'] = true;
    mapped(at('unlisted'), 'left out of lists, usable all the same', at('unlisted'));
  }
  if (model.name !== undefined) details.name = literal(expander.resolve(model.name, scope, at('name')));
  if (model.description !== undefined) {
    details.description = literal(expander.resolve(model.description, scope, at('description')));
  }
  if (model.metadata !== undefined)
    details.metadata = literalAll(expander.resolveAll(model.metadata, scope, at('metadata')));
  for (const key of ['name', 'description', 'metadata'] as const) {
    if (model[key] !== undefined) mapped(at(key), 'told in the list of models on the llama-swap address');
  }
  if (model.sendLoadingState !== undefined) {
    details.sendLoadingState = context.isTrue(model.sendLoadingState);
    const note = details.sendLoadingState ? 'comments on its streams while they wait' : 'no comments on its streams';
    approximated(at('sendLoadingState'), `${note}, on the llama-swap address`);
  }
  for (const key of ['timeouts', 'capabilities'] as const) {
    if (model[key] !== undefined) context.dropped(at(key), DROPPED[key]);
  }
  return { native, details };
}

const DROPPED = {
  timeouts: 'Corral has one setting for all models: server.timeouts',
  capabilities: 'Corral asks the server itself what it can do',
} as const;

function importProxy(
  model: LlamaSwapModel,
  {
    id,
    scope,
    port,
    command,
    native,
  }: {
    id: string;
    scope: MacroScope;
    port: number | undefined;
    command: readonly string[];
    native: Record<string, unknown>;
  },
  { expander, mapped, refuse }: ImportContext,
): void {
  const at: PathSegment[] = ['models', id, 'proxy'];
  const usesPort = port !== undefined || command.some((word) => word.includes('${PORT}'));
  const written = model.proxy ?? 'http://localhost:${PORT}';
  const proxy = expander.resolve(written, scope, at);
  if (!usesPort && /\$\{PORT\}/.test(expandQuietly(written, scope))) {
    refuse(at, 'must be given: the command does not use ${PORT}, so nobody knows where its server listens');
    return;
  }
  if (PLAIN_PROXY.test(proxy)) {
    if (model.proxy !== undefined) mapped(at, 'a port that is free at each start, as ${PORT}');
    return;
  }
  if (!URL.canParse(proxy) || new URL(proxy).protocol !== 'http:') {
    refuse(at, 'must be an address such as http://127.0.0.1:8999');
    return;
  }
  native['proxy'] = proxy;
  if (model.proxy !== undefined) mapped(at, 'the address the command has for itself', at);
}

/** Lines that begin with `#` are comments, and a backslash at the end of a line only says that it goes on. */
function withoutComments(command: string): string {
  return command
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith('#'))
    .map((line) => line.replace(/\\[ \t]*$/, ''))
    .join('\n');
}

function commandOf(command: string, at: readonly PathSegment[], { isWindows, refuse }: ImportContext): string[] {
  const split = splitCommand(command, isWindows);
  if (!split.ok) {
    refuse(at, split.message);
    return [];
  }
  if (split.words.length === 0) refuse(at, 'must name a program');
  return [...split.words];
}

function importEnvironment(
  model: LlamaSwapModel,
  scope: MacroScope,
  native: Record<string, unknown>,
  at: (...rest: PathSegment[]) => PathSegment[],
  { expander, mapped, dropped }: ImportContext,
): void {
  const env: Record<string, string> = {};
  model.env?.forEach((entry, index) => {
    const [name = '', ...value] = entry.split('=');
    if (name.trim() === '' || value.length === 0) {
      dropped(at('env', index), 'it is no NAME=value');
      return;
    }
    // No port is known yet where it is a free one.
    const expanded = expander.expand(value.join('='), { ...scope, port: scope.port ?? '' }, at('env', index));
    env[name.trim()] = expanded.replaceAll('${PORT}', () => '$${PORT}');
    mapped(at('env', index), "added to Corral's own environment", at('env', name.trim()));
  });
  if (Object.keys(env).length > 0) native['env'] = env;
}

function importFilters(
  model: LlamaSwapModel,
  scope: MacroScope,
  at: (...rest: PathSegment[]) => PathSegment[],
  { expander, mapped }: ImportContext,
): { native: Record<string, unknown>; aliases: string[] } {
  const native: Record<string, unknown> = {};
  const aliases: string[] = [];
  const { filters } = model;
  for (const key of ['stripParams', 'strip_params'] as const) {
    const written = filters?.[key];
    if (written === undefined) continue;
    const list = [written].flat().map((text) => expander.resolve(text, scope, at('filters', key)));
    const names = list.flatMap((text) => text.split(',')).map((name) => name.trim());
    native['strip'] = [...new Set(names)].filter((name) => name !== '' && name !== 'model').map(literal);
    mapped(at('filters', key), 'removed from requests; "model" never is', at('filters', 'strip'));
  }
  const parametersOf = (written: unknown, path: PathSegment[]): Record<string, unknown> => {
    const set = Object.entries(expander.resolveAll(written, scope, path) as Record<string, unknown>);
    return literalAll(Object.fromEntries(set.filter(([name]) => name !== 'model'))) as Record<string, unknown>;
  };
  if (filters?.setParams !== undefined) {
    native['set'] = parametersOf(filters.setParams, at('filters', 'setParams'));
    mapped(at('filters', 'setParams'), 'set in requests; "model" never is', at('filters', 'set'));
  }
  if (filters?.setParamsByID !== undefined) {
    const path = at('filters', 'setParamsByID');
    const entries = Object.entries(filters.setParamsByID).map(([name, set]) => {
      const asked = expander.resolve(name, scope, [...path, name]);
      if (asked !== scope.modelId) aliases.push(asked);
      return [asked, parametersOf(set ?? {}, [...path, name])] as const;
    });
    native['setFor'] = Object.fromEntries(entries);
    mapped(path, 'set in requests by the name they use, which is an alias too', at('filters', 'setFor'));
  }
  return { native, aliases };
}

interface WrittenAlias {
  readonly id: string;
  readonly isUnlisted: boolean;
}

function aliasesOf(model: LlamaSwapModel): WrittenAlias[] {
  return (model.aliases ?? []).map((alias) =>
    typeof alias === 'string'
      ? { id: alias, isUnlisted: false }
      : { id: alias.id, isUnlisted: alias.unlisted === true || alias.unlisted === 'true' },
  );
}

function importAliases(
  model: LlamaSwapModel,
  parts: { id: string; native: Record<string, unknown>; details: ModelDetails; extra: readonly string[] },
  { mapped }: ImportContext,
): void {
  const { id, native, details, extra } = parts;
  const written = aliasesOf(model);
  const aliases = [...new Set([...written.map((alias) => alias.id), ...extra])].filter((alias) => alias !== id);
  if (aliases.length > 0) native['aliases'] = aliases.map(literal);
  const unlisted = written.filter(({ isUnlisted }) => isUnlisted).map((alias) => alias.id);
  if (unlisted.length > 0) details.unlistedAliases = unlisted.map(literal);
  written.forEach((_alias, index) =>
    mapped(['models', id, 'aliases', index], 'another name', ['models', id, 'aliases']),
  );
}
