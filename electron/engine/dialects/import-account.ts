import { formatPath, type PathSegment } from '../config/config-issue.ts';
import type { ImportEntry } from './foreign-format.ts';

/** The paths of all values of a document; an empty group or list is one itself. Pure. */
export function leafPaths(value: unknown, at: readonly PathSegment[] = []): string[] {
  const entries: readonly (readonly [PathSegment, unknown])[] = Array.isArray(value)
    ? value.map((entry: unknown, index) => [index, entry])
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  return entries.length === 0
    ? at.length === 0
      ? []
      : [formatPath(at)]
    : entries.flatMap(([key, entry]) => leafPaths(entry, [...at, key]));
}

/** The note of keys that an importer has overlooked. */
export const UNKNOWN_KEY_NOTE = 'Corral does not know this key';

/** A report that says something of every value of a document: what an importer passed over was dropped. Pure. */
export function completeReport(value: unknown, report: readonly ImportEntry[]): readonly ImportEntry[] {
  const missing = leafPaths(value).filter((leaf) => !report.some(({ path }) => isAtOrBelow(leaf, path)));
  return [...report, ...missing.map((path) => ({ path, outcome: 'dropped' as const, note: UNKNOWN_KEY_NOTE }))];
}

function isAtOrBelow(leaf: string, path: string): boolean {
  return leaf === path || (leaf.startsWith(path) && /^[.[]/.test(leaf.slice(path.length)));
}

/** The path in the foreign file that a native path came from; undefined if none says so. Pure. */
export function foreignPathOf(nativePath: string, report: readonly ImportEntry[]): string | undefined {
  const sources = report
    .filter(({ to }) => to !== undefined && (isAtOrBelow(nativePath, to) || isAtOrBelow(to, nativePath)))
    .sort((a, b) => closeness(nativePath, b.to) - closeness(nativePath, a.to));
  return sources[0]?.path;
}

function closeness(nativePath: string, to = ''): number {
  return to === nativePath ? Number.POSITIVE_INFINITY : isAtOrBelow(nativePath, to) ? to.length : -to.length;
}

/** The entries about what the document says; a program's own default that nobody wrote needs no word. Pure. */
export function entriesOfWritten(value: unknown, report: readonly ImportEntry[]): ImportEntry[] {
  const leaves = leafPaths(value);
  return report.filter(({ path }) => leaves.some((leaf) => isAtOrBelow(leaf, path) || isAtOrBelow(path, leaf)));
}
