import { AppError } from '#shared/contract/errors.ts';
import { formatPath, type PathSegment } from './config-issue.ts';

/** Reading and changing values such as JSON holds, by path. Nothing here changes what it is given. */

/** Far deeper than any setting; without a bound a value could exhaust the stack. */
const MAX_DEPTH = 32;

/** Names under which JavaScript keeps an object's own machinery. */
const machineryNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a name would reach an object's machinery rather than its content. */
export function isMachineryName(name: PathSegment): boolean {
  return machineryNames.has(String(name));
}

export type JsonGroup = Readonly<Record<string, unknown>>;

export function isGroup(value: unknown): value is JsonGroup {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The value as it would come back from JSON: keys with undefined are left out. Throws `invalid-request` for what JSON
 * has no form for, for what is nested more than 32 deep, and for the names `__proto__`, `constructor` and `prototype`.
 */
export function toJsonValue(value: unknown, at: readonly PathSegment[]): unknown {
  const refuse = (problem: string): AppError =>
    new AppError('invalid-request', `${formatPath(at)} cannot be set: ${problem}. Send a value such as JSON holds.`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse('the number is not finite');
    return value;
  }
  if (at.length > MAX_DEPTH) throw refuse('it is nested too deeply');
  if (Array.isArray(value)) return value.map((entry: unknown, index) => toJsonValue(entry, [...at, index]));
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (!isGroup(value) || (prototype !== Object.prototype && prototype !== null)) throw refuse('it is no JSON');
  const copy: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    if (isMachineryName(name)) throw refuse(`the name ${name} cannot be used`);
    if (entry !== undefined) copy[name] = toJsonValue(entry, [...at, name]);
  }
  return copy;
}

/** What stands at a path; undefined if nothing does. Numbers count as names where the value is no list. */
export function valueAt(value: unknown, path: readonly PathSegment[]): unknown {
  let found = value;
  for (const segment of path) {
    if (Array.isArray(found)) found = typeof segment === 'number' ? (found[segment] as unknown) : undefined;
    else if (isGroup(found) && Object.hasOwn(found, String(segment))) found = found[String(segment)];
    else return undefined;
  }
  return found;
}

/** A copy with the value at a path set, or removed if `value` is undefined. Its parents are there. */
export function withValueAt(root: unknown, path: readonly PathSegment[], value: unknown): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined) return value;
  if (Array.isArray(root)) {
    const copy = [...(root as unknown[])];
    if (typeof segment !== 'number') return copy;
    if (rest.length === 0 && value === undefined) copy.splice(segment, 1);
    else copy[segment] = withValueAt(copy[segment], rest, value);
    return copy;
  }
  const copy: Record<string, unknown> = isGroup(root) ? { ...root } : {};
  const name = String(segment);
  if (rest.length === 0 && value === undefined)
    return Object.fromEntries(Object.entries(copy).filter(([key]) => key !== name));
  copy[name] = withValueAt(copy[name], rest, value);
  return copy;
}

/** Equal as configuration: the order of names does not count, and a number may be spelled as text (see `read-yaml.ts`). */
export function isSameSetting(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a === 'number' || typeof b === 'number') return String(a) === String(b) || Number(a) === Number(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((entry, index) => isSameSetting(entry, b[index]));
  }
  if (!isGroup(a) || !isGroup(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSameSetting(a[name], b[name]))
  );
}
