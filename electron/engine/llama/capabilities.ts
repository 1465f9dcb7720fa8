/**
 * What a build of llama-server understands, read from its `--help` and `--version`. Pure.
 * The layout of the help is that of `common_arg::to_string` in llama.cpp's common/arg.cpp: names and placeholder at the
 * left margin, the description from column 40 on, on the next line where the names are too long for that.
 */

export interface FlagEntry {
  /** Every spelling, short and long, in the order of the help. */
  readonly names: readonly string[];
  /** `N`, `[on|off|auto]`, … or the empty string for a switch. */
  readonly placeholder: string;
  /** The description in one line, with the environment variable. */
  readonly description: string;
}

export interface LlamaCapabilities {
  /** llama.cpp's build number; undefined for builds that were not told theirs. */
  readonly build: number | undefined;
  /** What the build calls itself, such as `0.7.0 (build 11669, commit Debian)`; `unknown` if it does not say. */
  readonly version: string;
  /** Flags that may be used, long and short. */
  readonly flags: ReadonlySet<string>;
  /** Flags that the help still lists, and that the build refuses. */
  readonly removed: ReadonlySet<string>;
  /** The entry of each usable flag, by each of its spellings. */
  readonly entries: ReadonlyMap<string, FlagEntry>;
  /** Whether `--host` takes a path that ends in `.sock`. */
  readonly hasUnixSockets: boolean;
}

// Descriptions stand at column 40 (26 and more in old builds); names were never indented further than this.
const MAX_NAME_INDENT = 8;
const flagPattern = /-{1,2}[A-Za-z][\w.]*(?:-[\w.]+)*/y;

/** Never throws: what cannot be understood is left out, and an unreadable help gives no flags. */
export function parseHelp(helpText: string, versionText: string): LlamaCapabilities {
  const flags = new Set<string>();
  const removed = new Set<string>();
  const entries = new Map<string, FlagEntry>();
  for (const entry of readEntries(helpText)) {
    const isRemoved = /the argument has been removed/i.test(entry.description);
    for (const name of entry.names) {
      if (isRemoved) {
        removed.add(name);
      } else {
        flags.add(name);
        entries.set(name, entry);
      }
    }
  }
  return {
    ...parseVersion(versionText),
    flags,
    removed,
    entries,
    hasUnixSockets: /unix socket/i.test(entries.get('--host')?.description ?? ''),
  };
}

/** `version: 4567 (abcdef12)` in older builds, `version: 0.7.0 (build 11669, commit abcdef12)` in newer ones. */
function parseVersion(text: string): { build: number | undefined; version: string } {
  const version = /^version:\s*(\S.*?)\s*$/m.exec(text)?.[1];
  if (version === undefined) return { build: undefined, version: 'unknown' };
  const digits = /\bbuild (\d+)/.exec(version)?.[1] ?? /^b?(\d+)(?![\d.])/.exec(version)?.[1];
  const build = Number(digits ?? 0);
  return { build: build > 0 ? build : undefined, version };
}

function* readEntries(helpText: string): Generator<FlagEntry> {
  let current: { names: string[]; placeholder: string; lines: string[] } | undefined;
  const finish = (entry: NonNullable<typeof current>): FlagEntry => ({
    names: entry.names,
    placeholder: entry.placeholder,
    description: entry.lines.filter((line) => line !== '').join(' '),
  });
  for (const line of helpText.split(/\r?\n/)) {
    const head = parseHead(line);
    if (head !== undefined) {
      if (current !== undefined) yield finish(current);
      current = { names: head.names, placeholder: head.placeholder, lines: [head.rest] };
    } else if (/^\S/.test(line)) {
      // A heading such as `----- common params -----` ends the entry before it.
      if (current !== undefined) yield finish(current);
      current = undefined;
    } else {
      current?.lines.push(line.trim());
    }
  }
  if (current !== undefined) yield finish(current);
}

/** The names and placeholder a line starts with; undefined if it is a heading or part of a description. */
function parseHead(line: string): { names: string[]; placeholder: string; rest: string } | undefined {
  const indent = line.length - line.trimStart().length;
  if (indent > MAX_NAME_INDENT) return undefined;
  const names: string[] = [];
  let placeholder = '';
  let position = indent;
  for (;;) {
    flagPattern.lastIndex = position;
    const name = flagPattern.exec(line)?.[0];
    if (name === undefined) break;
    names.push(name);
    position += name.length;
    // Old builds repeat the placeholder after each name (`-ngl N, --n-gpu-layers N`); two spaces end it.
    const value = /^ (?! |-)(.*?)(?= {2}|, -|$)/.exec(line.slice(position));
    if (value?.[1] !== undefined) {
      placeholder = value[1].trim();
      position += value[0].length;
    }
    const separator = /^,\s*(?=-)/.exec(line.slice(position))?.[0];
    if (separator === undefined) break;
    position += separator.length;
  }
  return names.length === 0 ? undefined : { names, placeholder, rest: line.slice(position).trim() };
}

/** How many arguments a flag takes. `<a b>` and `[a|b]` are one each; `FNAME SCALE` of older builds are two. */
export function argumentCount(entry: FlagEntry): number {
  const words = entry.placeholder.replaceAll(/<[^>]*>|\[[^\]]*\]|\{[^}]*\}/g, 'X').trim();
  return words === '' ? 0 : words.split(/\s+/).length;
}
