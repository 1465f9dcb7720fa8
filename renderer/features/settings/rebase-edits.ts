import { isSameValue, valueAt, type Edits, type SettingValues } from './edits.ts';
import type { SettingPath } from './setting-path.ts';

/**
 * Pending edits over a file that somebody else changed meanwhile. What names a position in a list of named entries (keys)
 * follows its entry; where the entry is gone, the edit is `lost`. Everything else keeps its path.
 */
export function rebaseEdits(
  edits: Edits,
  before: SettingValues,
  after: SettingValues,
): { readonly edits: Edits; readonly lost: Edits } {
  if (isSameValue(before, after)) return { edits, lost: [] };
  const kept: Edits[number][] = [];
  const lost: Edits[number][] = [];
  for (const edit of edits) {
    const path = rebasePath(edit.path, before, after);
    if (path === undefined) lost.push(edit);
    else kept.push({ ...edit, path: [...path] });
  }
  return { edits: kept, lost };
}

function rebasePath(path: SettingPath, before: SettingValues, after: SettingValues): SettingPath | undefined {
  const at = path.findIndex((segment) => typeof segment === 'number');
  if (at < 0) return path;
  const listPath = path.slice(0, at);
  const [oldList, newList] = [before, after].map((values) => {
    const list = valueAt(values, listPath);
    return Array.isArray(list) ? list : [];
  }) as [unknown[], unknown[]];
  const position = Number(path[at]);
  // Added entries stay behind the end of whatever is there now.
  if (position >= oldList.length)
    return [...listPath, position - oldList.length + newList.length, ...path.slice(at + 1)];
  const name = nameOf(oldList[position]);
  const place = newList.findIndex((entry) => nameOf(entry) !== undefined && nameOf(entry) === name);
  return place < 0 ? undefined : [...listPath, place, ...path.slice(at + 1)];
}

function nameOf(entry: unknown): string | undefined {
  const name = valueAt(entry, ['name']);
  return typeof name === 'string' ? name : undefined;
}
