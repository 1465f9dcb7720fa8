import type { ConfigEdit } from './edit-config.ts';
import { formatPath, type ConfigIssue, type PathSegment } from './config-issue.ts';
import { isMachineryName } from './json-value.ts';

/**
 * Which settings may be changed over HTTP although `server.allowRemoteConfig` is off. This is a list of what may: a
 * key that nobody thought of is refused. `*` stands for one name or position. Only values at the very end of a path are
 * listed, never a group, so that nothing can be slipped in, or reset by leaving it out, with a whole group.
 *
 * Left out on purpose, besides commands, arguments, environment, files, folders, URLs and secrets: what opens Corral to
 * others (`server.host`, allowed hosts and origins, adding and removing keys, `allowRemoteConfig`), what lets it fetch
 * programs (`engine`, `updates`), what it keeps of conversations (`telemetry.capture`), and patterns (a regular
 * expression can be made to run for ever).
 */
export const openPaths: readonly string[] = [
  'server.port',
  'server.apiKeys.*.priority',
  'server.apiKeys.*.concurrency',
  'server.apiKeys.*.waitingComments',
  'server.maxBodyBytes',
  'server.timeouts.request',
  'server.timeouts.connect',
  'server.timeouts.response',
  'server.timeouts.idle',
  'server.timeouts.shutdown',
  'defaults.contextSize',
  'defaults.gpuLayers',
  'defaults.kvCacheType',
  'defaults.parallel',
  'defaults.concurrency',
  'defaults.ttl',
  'defaults.startTimeout',
  'defaults.answerTimeout',
  'defaults.stopGrace',
  'defaults.queue.max',
  'defaults.queue.maxWait',
  'memory.policy',
  'memory.reserve',
  'memory.budgets.*',
  'memory.maxLoaded',
  'memory.kvCache.maxSize',
  'memory.gameMode.requests',
  'memory.gameMode.automatic',
  'scheduler.fairnessBound',
  'scheduler.maxQueued',
  'scheduler.defaultModel',
  'scheduler.waitingComments.enabled',
  'scheduler.waitingComments.after',
  'scheduler.waitingComments.interval',
  'models.*.aliases',
  'models.*.concurrency',
  'models.*.contextSize',
  'models.*.devices',
  'models.*.embeddings',
  'models.*.filters.set.*',
  'models.*.filters.strip',
  'models.*.gpuLayers',
  'models.*.keepKvCache',
  'models.*.kvCacheType',
  'models.*.parallel',
  'models.*.pinned',
  'models.*.pooling',
  'models.*.priority',
  'models.*.queue.max',
  'models.*.queue.maxWait',
  'models.*.rerank',
  'models.*.startTimeout',
  'models.*.answerTimeout',
  'models.*.startup',
  'models.*.stopGrace',
  'models.*.ttl',
  'models.*.unlisted',
  'sets.*.models',
  'sets.*.load',
  'sets.*.exclusive',
  'sets.*.evictsOthers',
  'sets.*.oneAtATime',
  'sets.*.persistent',
  'sets.*.byName',
  'telemetry.maxRecords',
  'telemetry.maxFileSize',
  'log.level',
];

const openPatterns = openPaths.map((path) => path.split('.'));

/** Parameters of requests are any JSON; everything else that is open is one value, or a list of plain ones. */
const jsonPattern = 'models.*.filters.set.*'.split('.');

/**
 * The edits that may not come over HTTP unless the owner of the file switched that on, each with the reason; empty if
 * all may. Removing a setting counts as setting it, since its default takes over. Text that holds `${` is refused too:
 * it would read out a variable of Corral's environment.
 */
export function findForbiddenEdits(edits: readonly ConfigEdit[]): ConfigIssue[] {
  return edits.flatMap(({ path, value }) => {
    const reason = forbiddenBecause(path, value);
    return reason === undefined ? [] : [{ path: formatPath(path), message: reason }];
  });
}

function forbiddenBecause(path: readonly PathSegment[], value: unknown): string | undefined {
  if (path.some(isMachineryName)) return 'this name cannot be used';
  const closed = 'cannot be changed over HTTP; change it in the file, or set server.allowRemoteConfig there';
  const isOpen = openPatterns.some((pattern) => isMatch(path, pattern));
  if (!isOpen) {
    const isGroup = openPatterns.some((pattern) => isMatch(path, pattern.slice(0, path.length)));
    return isGroup ? 'cannot be changed as a whole over HTTP; change its settings one by one' : closed;
  }
  const texts = textsOf(value);
  if (texts === undefined) return 'has a value that is no JSON';
  if (texts.some((text) => isMachineryName(text.key))) return 'this name cannot be used';
  if (texts.some((text) => text.value.includes('${'))) return 'may not refer to variables (${…}) over HTTP';
  return isPlain(value) || isMatch(path, jsonPattern) ? undefined : 'must be a plain value, or a list of them';
}

function isMatch(path: readonly PathSegment[], pattern: readonly string[]): boolean {
  return (
    path.length === pattern.length &&
    pattern.every((part, index) => (part === '*' ? path[index] !== undefined : part === path[index]))
  );
}

function isPlain(value: unknown): boolean {
  const isScalar = (entry: unknown): boolean => typeof entry !== 'object' || entry === null;
  return isScalar(value) || (Array.isArray(value) && value.every(isScalar));
}

/** Every text in a value with the key it stands under; undefined if the value is deeper than any setting. */
function textsOf(value: unknown, key = '', depth = 0): { key: string; value: string }[] | undefined {
  if (depth > 32 || typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    return undefined;
  if (typeof value !== 'object' || value === null) return [{ key, value: typeof value === 'string' ? value : '' }];
  const found = [{ key, value: '' }];
  // Every own name, whether it would be written or not: what is refused here never reaches the file.
  for (const name of Object.getOwnPropertyNames(value)) {
    if (Array.isArray(value) && name === 'length') continue;
    const inner = textsOf((value as Readonly<Record<string, unknown>>)[name], name, depth + 1);
    if (inner === undefined) return undefined;
    found.push(...inner);
  }
  return found;
}
