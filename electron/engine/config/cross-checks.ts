import { dialectFacts } from '../dialects/dialect-facts.ts';
import { isSeedName } from '../dialects/dialect-names.ts';
import type { LocatedIssue, PathSegment } from './config-issue.ts';
import { explainZodIssues } from './explain-zod-issues.ts';
import { notYetEffective } from './not-yet-effective.ts';
import { plainUrl } from './resolve-pool.ts';
import { DEFAULT_PORT, isLoopbackHost } from './schema-fields.ts';
import { commandModelKeys, fileModelKeys } from './schema-models.ts';

/**
 * Checks that concern several keys at once. They look at the values before the schema has made sense of them, so that
 * all mistakes of a file are reported together; what is not of the right kind is passed over here and reported there.
 */
export function findCrossErrors(value: unknown): LocatedIssue[] {
  const root = asGroup(value);
  return [
    ...checkModelKinds(asGroup(root['models'])),
    ...checkReservedNames(asGroup(root['models'])),
    ...checkModelNames(asGroup(root['models'])),
    ...checkPatterns(asGroup(root['models'])),
    ...checkKeys(asGroup(root['server'])),
    ...checkBinds(root),
    ...checkPorts(root),
    ...checkListenerOptions(root),
    ...checkSets(root),
    ...checkPools(root),
  ];
}

/** What is allowed but will not do what it seems to: settings without effect, a lane that takes the name of another. */
export function findWarnings(value: unknown): LocatedIssue[] {
  const root = asGroup(value);
  const warnings = notYetEffective.flatMap(({ pattern, willDo }) =>
    matchPattern(root, pattern.split('.'), []).map((segments) => ({
      segments,
      message: `"${String(segments.at(-1))}" is understood, but this version does not act on it yet (it will ${willDo})`,
    })),
  );
  asList(asGroup(root['server'])['apiKeys']).forEach((lane, index) => {
    if (asGroup(lane)['name'] !== 'default') return;
    warnings.push({
      segments: ['server', 'apiKeys', index, 'name'],
      message: 'is also the name of the lane for clients without a key; choose another to tell them apart',
    });
  });
  return [...warnings, ...findRepeatedEndpoints(root)];
}

function matchPattern(value: unknown, pattern: readonly string[], at: readonly PathSegment[]): PathSegment[][] {
  const [head, ...rest] = pattern;
  if (head === undefined) return value === undefined ? [] : [[...at]];
  if (head !== '*') return matchPattern(asGroup(value)[head], rest, [...at, head]);
  const entries: readonly (readonly [PathSegment, unknown])[] = Array.isArray(value)
    ? value.map((entry, index) => [index, entry])
    : Object.entries(asGroup(value));
  return entries.flatMap(([key, entry]) => matchPattern(entry, rest, [...at, key]));
}

/** Members must exist, and a set's name must not hide a model's. */
function checkSets(root: Readonly<Record<string, unknown>>): LocatedIssue[] {
  const models = asGroup(root['models']);
  return Object.entries(asGroup(root['sets'])).flatMap(([name, set]): LocatedIssue[] => {
    const unknown = asList(asGroup(set)['models']).flatMap((member, index): LocatedIssue[] =>
      typeof member !== 'string' || models[member] !== undefined
        ? []
        : [{ segments: ['sets', name, 'models', index], message: 'is not the id of a model in `models`' }],
    );
    const hidden =
      models[name] === undefined ? [] : [{ segments: ['sets', name], message: 'is also the id of a model' }];
    return [...unknown, ...hidden];
  });
}

/** `set/model` and `pool/model` must not mean two things. */
function checkPools(root: Readonly<Record<string, unknown>>): LocatedIssue[] {
  const sets = asGroup(root['sets']);
  return Object.keys(asGroup(root['pools']))
    .filter((name) => sets[name] !== undefined)
    .map((name) => ({ segments: ['pools', name], message: 'is also the name of a set; choose another' }));
}

function findRepeatedEndpoints(root: Readonly<Record<string, unknown>>): LocatedIssue[] {
  return Object.entries(asGroup(root['pools'])).flatMap(([name, pool]) => {
    const seen = new Set<string>();
    return asList(asGroup(pool)['endpoints']).flatMap((endpoint, index): LocatedIssue[] => {
      const { url, apiKey } = asGroup(endpoint);
      if (typeof url !== 'string' || !URL.canParse(url)) return [];
      const key = JSON.stringify([plainUrl(url), apiKey]);
      const isRepeated = seen.has(key);
      seen.add(key);
      if (!isRepeated) return [];
      return [{ segments: ['pools', name, 'endpoints', index], message: 'is listed before; it is used once' }];
    });
  });
}

/** `corral` is what the log of Corral itself is asked for by. */
function checkReservedNames(models: Readonly<Record<string, unknown>>): LocatedIssue[] {
  return models['corral'] === undefined
    ? []
    : [{ segments: ['models', 'corral'], message: 'is reserved for the log of Corral itself; choose another id' }];
}

function checkModelKinds(models: Readonly<Record<string, unknown>>): LocatedIssue[] {
  return Object.entries(models).flatMap(([id, model]): LocatedIssue[] => {
    // What is no group at all is reported by the schema.
    if (model !== undefined && (typeof model !== 'object' || Array.isArray(model))) return [];
    const keys = asGroup(model);
    const has = (key: string): boolean => keys[key] !== undefined;
    if (has('file') && has('command')) {
      return [{ segments: ['models', id, 'command'], message: 'a model has either `file` or `command`, not both' }];
    }
    if (!has('file') && !has('command')) {
      return [{ segments: ['models', id], message: 'needs a `file` (a GGUF file) or a `command` to run' }];
    }
    const foreign = has('file') ? commandModelKeys : fileModelKeys;
    const [own, other] = has('file') ? ['file', 'command'] : ['command', 'file'];
    return foreign.filter(has).map((key) => ({
      segments: ['models', id, key],
      message: `only for models with \`${other}\`; this one has \`${own}\``,
    }));
  });
}

function checkModelNames(models: Readonly<Record<string, unknown>>): LocatedIssue[] {
  const issues: LocatedIssue[] = [];
  const owners = new Map<string, string>();
  for (const [id, model] of Object.entries(models)) {
    asList(asGroup(model)['aliases']).forEach((alias, index) => {
      if (typeof alias !== 'string') return;
      const segments = ['models', id, 'aliases', index];
      const owner = owners.get(alias);
      if (Object.hasOwn(models, alias)) {
        issues.push({
          segments,
          message: alias === id ? 'is the id of this model already' : 'is the id of another model',
        });
      } else if (owner !== undefined) {
        issues.push({ segments, message: `is already an alias of ${JSON.stringify(owner)}` });
      }
      owners.set(alias, id);
    });
  }
  return issues;
}

function checkPatterns(models: Readonly<Record<string, unknown>>): LocatedIssue[] {
  return Object.entries(models).flatMap(([id, model]) => {
    const pattern = asGroup(model)['readyPattern'];
    if (typeof pattern !== 'string' || isRegExp(pattern)) return [];
    return [{ segments: ['models', id, 'readyPattern'], message: 'is not a valid regular expression of JavaScript' }];
  });
}

function isRegExp(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function checkKeys(server: Readonly<Record<string, unknown>>): LocatedIssue[] {
  const issues: LocatedIssue[] = [];
  const names = new Set<unknown>();
  const keys = new Set<unknown>();
  asList(server['apiKeys']).forEach((lane, index) => {
    const { name, key } = asGroup(lane);
    const segments = ['server', 'apiKeys', index];
    if (typeof name === 'string' && names.has(name)) {
      issues.push({ segments: [...segments, 'name'], message: 'another key has this name; give each its own' });
    }
    if (typeof key === 'string' && keys.has(key)) {
      issues.push({ segments: [...segments, 'key'], message: 'is the same as another key; give each its own' });
    }
    if (typeof key === 'string' && key === server['adminToken']) {
      issues.push({ segments: [...segments, 'key'], message: 'is the same as `adminToken`; make them different' });
    }
    names.add(name);
    keys.add(key);
  });
  return issues;
}

function checkBinds(root: Readonly<Record<string, unknown>>): LocatedIssue[] {
  const server = asGroup(root['server']);
  if (asList(server['apiKeys']).length > 0) return [];
  const binds: { segments: PathSegment[]; host: unknown }[] = [{ segments: ['server', 'host'], host: server['host'] }];
  asList(root['listeners']).forEach((listener, index) => {
    binds.push({ segments: ['listeners', index, 'host'], host: asGroup(listener)['host'] });
  });
  return binds
    .filter(({ host }) => typeof host === 'string' && host !== '' && !isLoopbackHost(host))
    .map(({ segments }) => ({
      segments,
      message: 'other machines could reach this address: add a key to `server.apiKeys`, or use 127.0.0.1',
    }));
}

/** Two addresses on one port cannot both be had; each is told of the other. */
function checkPorts(root: Readonly<Record<string, unknown>>): LocatedIssue[] {
  const first = new Map<unknown, string>();
  const server = asGroup(root['server']);
  first.set(server['port'] ?? DEFAULT_PORT, 'server.port');
  return asList(root['listeners']).flatMap((listener, index): LocatedIssue[] => {
    const { port } = asGroup(listener);
    // 0 is another free one each time.
    if (typeof port !== 'number' || port === 0) return [];
    const other = first.get(port);
    if (other !== undefined) {
      const own = server['port'] === undefined && other === 'server.port' ? ' (its default)' : '';
      return [
        { segments: ['listeners', index, 'port'], message: `is the same port as ${other}${own}; give each its own` },
      ];
    }
    first.set(port, `listeners[${index}].port`);
    return [];
  });
}

/** Options are the dialect's own, and so are their names and limits. */
function checkListenerOptions(root: Readonly<Record<string, unknown>>): LocatedIssue[] {
  return asList(root['listeners']).flatMap((listener, index): LocatedIssue[] => {
    const { dialect, options: written = {} } = asGroup(listener);
    const options = asGroup(written);
    if (typeof dialect !== 'string' || options !== written) return [];
    const segments = ['listeners', index, 'options'];
    const schema = isSeedName(dialect) ? dialectFacts[dialect]?.optionsSchema : undefined;
    if (schema === undefined) {
      return Object.keys(options).map((key) => ({
        segments: [...segments, key],
        message: `unknown key; listeners of the dialect ${dialect} have no options`,
      }));
    }
    const parsed = schema.safeParse(options);
    if (parsed.success) return [];
    return explainZodIssues(parsed.error.issues, options, () => Object.keys(schema.shape)).map((issue) => ({
      segments: [...segments, ...issue.segments],
      message: issue.message,
    }));
  });
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
