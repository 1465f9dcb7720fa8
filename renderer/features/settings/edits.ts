import type { SettingEdit } from '#shared/contract/settings.ts';
import { pathKey, type SettingPath } from './setting-path.ts';

/**
 * Changes to settings that were not applied yet. Each names a path and the value it shall have; none removes the setting.
 * Positions in lists are those of the file as it is: entries behind its end are added, removed ones keep their number
 * until the edits are sent.
 */
export type Edits = readonly SettingEdit[];
export type SettingValue = NonNullable<SettingEdit['value']> | null;
export type SettingValues = Readonly<Record<string, SettingValue>>;

export function valueAt(values: unknown, path: SettingPath): SettingValue | undefined {
  let value: unknown = values;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value as SettingValue | undefined;
}

export function isSameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const leftKeys = Object.keys(left);
  if (leftKeys.length !== Object.keys(right).length) return false;
  return leftKeys.every(
    (key) =>
      Object.hasOwn(right, key) &&
      isSameValue((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]),
  );
}

/** The edits with one more; one that would change nothing is left out, and what it overrides leaves. */
export function putEdit(edits: Edits, edit: SettingEdit, values: SettingValues): Edits {
  const rest = edits.filter(({ path }) => !startsWith(path, edit.path));
  // Within an entry that an edit adds as a whole, the change is made there.
  const host = rest.find(({ path, value }) => value !== undefined && startsWith(edit.path, path));
  if (host !== undefined) {
    const inner = edit.path.slice(host.path.length);
    const changed = inner.length === 0 ? edit : { ...host, value: withValueAt(host.value, inner, edit.value) };
    return rest.map((each) => (each === host ? changed : each));
  }
  return isSameValue(valueAt(values, edit.path), edit.value) ? rest : [...rest, edit];
}

/** The edits without those at or under a path. */
export function dropEdits(edits: Edits, path: SettingPath): Edits {
  return edits.filter((edit) => !startsWith(edit.path, path));
}

/** The settings as they would be; removed list entries stay as `null`, so that the positions of the others hold. */
export function applyEdits(values: SettingValues, edits: Edits): SettingValues {
  return edits.reduce<SettingValue>((result, { path, value }) => withValueAt(result, path, value), {
    ...values,
  }) as SettingValues;
}

/** Whether something is changed at or under a path; not so for parts of an entry that is added as a whole. */
export function isEditedWithin(edits: Edits, path: SettingPath): boolean {
  return edits.some((edit) => startsWith(edit.path, path));
}

/** Whether the value at a path is one that an edit has set. */
export function isEdited(edits: Edits, path: SettingPath): boolean {
  return edits.some((edit) => startsWith(edit.path, path) || startsWith(path, edit.path));
}

/**
 * The edits as the engine takes them, one after the other: added entries are numbered without gaps behind the list's
 * end, and entries are removed last, from the back, so that no removal moves what another edit means.
 */
export function toRequest(edits: Edits, values: SettingValues): Edits {
  const isRemoval = ({ path, value }: SettingEdit): boolean => value === undefined && typeof path.at(-1) === 'number';
  const removals = edits.filter(isRemoval).sort((left, right) => Number(right.path.at(-1)) - Number(left.path.at(-1)));
  const added = new Map<string, number>();
  const others = edits
    .filter((edit) => !isRemoval(edit))
    .map((edit) => {
      const parent = edit.path.slice(0, -1);
      const position = edit.path.at(-1);
      const length = lengthOf(valueAt(values, parent));
      if (typeof position !== 'number' || position < length) return edit;
      const place = added.get(pathKey(parent)) ?? length;
      added.set(pathKey(parent), place + 1);
      return { ...edit, path: [...parent, place] };
    });
  return [...others, ...removals];
}

/**
 * What takes applied edits back, given the settings from before; undefined where that cannot be told: secrets are masked,
 * so whoever removed or replaced one has to enter it again, and an entry's old place in a list is not to be had.
 */
export function inverseEdits(
  edits: Edits,
  before: SettingValues,
  isHidden: (path: SettingPath, value: SettingValue) => boolean,
): Edits | undefined {
  const inverse: SettingEdit[] = [];
  for (const { path } of toRequest(edits, before)) {
    const old = valueAt(before, path);
    if (old === undefined) {
      inverse.push({ path: [...firstMissing(before, path)] });
      continue;
    }
    if (typeof path.at(-1) === 'number' || holdsSecret(old, path, isHidden)) return undefined;
    inverse.push({ path: [...path], value: old });
  }
  const unique = new Map(inverse.reverse().map((edit) => [pathKey(edit.path), edit]));
  return toRequest([...unique.values()], before);
}

/** The shortest part of the path that was not there: what came into being with the edit. */
function firstMissing(values: SettingValues, path: SettingPath): SettingPath {
  const length = path.findIndex((_, index) => valueAt(values, path.slice(0, index + 1)) === undefined);
  return path.slice(0, length + 1);
}

function holdsSecret(
  value: SettingValue,
  path: SettingPath,
  isHidden: (path: SettingPath, value: SettingValue) => boolean,
): boolean {
  if (isHidden(path, value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value as SettingValues).some(([key, inner]) =>
    holdsSecret(inner, [...path, Array.isArray(value) ? Number(key) : key], isHidden),
  );
}

function startsWith(path: SettingPath, start: SettingPath): boolean {
  return start.length <= path.length && start.every((segment, index) => segment === path[index]);
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function withValueAt(target: unknown, path: SettingPath, value: SettingValue | undefined): SettingValue {
  const [first, ...rest] = path;
  if (first === undefined) return value ?? null;
  if (typeof first === 'number') {
    const list = Array.isArray(target) ? [...(target as SettingValue[])] : [];
    list[first] = rest.length === 0 ? (value ?? null) : withValueAt(list[first], rest, value);
    return Array.from(list, (entry: SettingValue | undefined) => entry ?? null);
  }
  const isGroup = typeof target === 'object' && target !== null && !Array.isArray(target);
  const group: Record<string, SettingValue> = isGroup ? { ...(target as SettingValues) } : {};
  if (rest.length === 0 && value === undefined) {
    return Object.fromEntries(Object.entries(group).filter(([name]) => name !== first));
  }
  // Defined rather than assigned: `__proto__` is a name like any other here.
  Object.defineProperty(group, first, {
    value: rest.length === 0 ? value : withValueAt(group[first], rest, value),
    enumerable: true,
    writable: true,
    configurable: true,
  });
  return group;
}
