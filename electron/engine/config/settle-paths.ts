import { posix, win32 } from 'node:path';
import { foreignPathOf } from '../dialects/import-account.ts';
import type { ImportEntry } from '../dialects/foreign-format.ts';
import { literal } from '../dialects/literal.ts';
import { formatPath, type PathSegment } from './config-issue.ts';
import { absolutePath, isProgramPath, type PathContext } from './resolve-config.ts';

type Group = Readonly<Record<string, unknown>>;

/**
 * What was imported from a file, so that it means the same wherever it is written: relative paths start at the folder of that
 * file, as they do while it is served itself. The report says so of each. Pure.
 */
export function settlePaths(
  native: Group,
  report: readonly ImportEntry[],
  paths: PathContext,
): { readonly native: Group; readonly report: readonly ImportEntry[] } {
  const told: ImportEntry[] = [];
  // `${` begins a placeholder in the file this is written to.
  const settled = { ...paths, folder: literal(paths.folder) };

  function tell(at: readonly PathSegment[], note: string, from = at): void {
    const path = foreignPathOf(formatPath(from), report);
    if (path !== undefined) told.push({ path, outcome: 'mapped', note, to: formatPath(at) });
  }

  function settlePath(written: unknown, at: readonly PathSegment[]): unknown {
    if (typeof written !== 'string' || !isRelative(written, paths)) return written;
    const path = absolutePath(written, settled);
    tell(at, `starts in the folder of this file: ${path}`);
    return path;
  }

  function settleModel(id: string, model: Group): Group {
    const at = (key: string): PathSegment[] => ['models', id, key];
    if (model['command'] === undefined) return settleKeys(model, ['file', 'mmproj'], at);
    const commands = { command: asWords(model['command']), stopCommand: asWords(model['stopCommand']) };
    const words = [...commands.command, ...commands.stopCommand, ...Object.values(asGroup(model['env']))];
    if (model['cwd'] !== undefined || !words.some((word) => mayBeRelative(String(word), paths))) return model;
    tell(at('cwd'), `runs in the folder of this file, ${paths.folder}: it may name relative paths`, at('command'));
    const programs = Object.entries(commands).flatMap(([key, [program = '', ...rest]]) =>
      isProgramPath(program, paths) && isRelative(program, paths)
        ? [[key, [absolutePath(program, settled), ...rest]] as const]
        : [],
    );
    return { ...model, ...Object.fromEntries(programs), cwd: settled.folder };
  }

  function settleKeys(group: Group, keys: readonly string[], at: (key: string) => readonly PathSegment[]): Group {
    const found = keys.filter((key) => group[key] !== undefined);
    return { ...group, ...Object.fromEntries(found.map((key) => [key, settlePath(group[key], at(key))])) };
  }

  const engine = asGroup(native['engine']);
  const models = Object.entries(asGroup(native['models'])).map(([id, model]) => [id, settleModel(id, asGroup(model))]);
  const hasOwnEngine = engine['path'] !== undefined && engine['path'] !== 'auto';
  return {
    native: {
      ...native,
      ...(hasOwnEngine ? { engine: settleKeys(engine, ['path'], (key) => ['engine', key]) } : {}),
      ...(native['models'] === undefined ? {} : { models: Object.fromEntries(models) as Group }),
    },
    report: [...report, ...told],
  };
}

/** `${…}` at the start is filled in later, and may be absolute; `~` is the home folder wherever the file is. */
function isRelative(written: string, { isWindows }: PathContext): boolean {
  return written !== '' && !/^(?:\$\{|~)/.test(written) && !(isWindows ? win32 : posix).isAbsolute(written);
}

/**
 * Whether a word of a command, or the value in `--name=value`, looks like a path that starts where the command runs. A folder
 * too many does no harm; one too few, and the command does not find its files.
 */
function mayBeRelative(word: string, paths: PathContext): boolean {
  const value = word.startsWith('-') ? (/=(.*)$/s.exec(word)?.[1] ?? '') : word;
  if (!isRelative(value, paths) || value.includes('://')) return false;
  return value.includes('/') || (paths.isWindows && value.includes('\\')) || /\.[a-z][a-z0-9]+$/i.test(value);
}

function asGroup(value: unknown): Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Group) : {};
}

function asWords(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
