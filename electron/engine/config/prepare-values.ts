import type { LocatedIssue, PathSegment } from './config-issue.ts';
import { expandText, startPlaceholders, stopPlaceholders, type PlaceholderName } from './placeholders.ts';
import { splitCommand } from './split-command.ts';

export interface PreparedValues {
  readonly value: unknown;
  readonly issues: readonly LocatedIssue[];
}

/**
 * Makes of what the file says what the schema expects: commands split into words, `${env.NAME}` replaced in every text
 * but keys, and keys without a value (`models:` and nothing after it) treated as not written. A command is split before
 * anything is replaced in it, so that a value with a space stays one word.
 */
export function prepareValues(
  raw: unknown,
  context: { readonly env: Readonly<Record<string, string | undefined>>; readonly isWindows: boolean },
): PreparedValues {
  const issues: LocatedIssue[] = [];
  const lookUp = createLookUp(context);

  const expand = (text: string, segments: readonly PathSegment[], kept: readonly PlaceholderName[]): string => {
    const expanded = expandText(text, kept, lookUp);
    for (const message of expanded.problems) issues.push({ segments, message });
    return expanded.text;
  };

  const prepare = (value: unknown, segments: readonly PathSegment[]): unknown => {
    const kept = placeholdersAt(segments);
    if (typeof value === 'string') {
      if (kept.length === 0 || segments.length !== 3) return expand(value, segments, kept);
      const split = splitCommand(value, context.isWindows);
      if (split.ok) return split.words.map((word) => expand(word, segments, kept));
      issues.push({ segments, message: split.message });
      return value;
    }
    if (Array.isArray(value)) return value.map((entry, index) => prepare(entry, [...segments, index]));
    if (typeof value === 'object' && value !== null) {
      const prepared: Record<string, unknown> = {};
      for (const [key, entry] of Object.entries(value)) {
        if (key === '__proto__') issues.push({ segments: [...segments, key], message: 'this name cannot be used' });
        else prepared[key] = prepare(entry, [...segments, key]);
      }
      return prepared;
    }
    // A model without anything in it lacks its kind, as `{}` does.
    if (value === null && segments[0] === 'models' && segments.length === 2) return {};
    // Parameters of requests are the one place where null means something.
    const isParameter = segments[0] === 'models' && segments[2] === 'filters';
    const depth = segments[3] === 'set' ? 4 : segments[3] === 'setFor' ? 5 : Number.POSITIVE_INFINITY;
    return value === null && !(isParameter && segments.length > depth) ? undefined : value;
  };

  return { value: prepare(raw, []), issues };
}

function placeholdersAt(segments: readonly PathSegment[]): readonly PlaceholderName[] {
  if (segments[0] !== 'models') return [];
  if (segments[2] === 'command') return startPlaceholders;
  return segments[2] === 'stopCommand' ? stopPlaceholders : [];
}

function createLookUp(context: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isWindows: boolean;
}): (name: string) => string | undefined {
  const { env, isWindows } = context;
  if (!isWindows) return (name) => (Object.hasOwn(env, name) ? env[name] : undefined);
  // Windows compares names without regard to case, but a copy of process.env does not.
  const byUpperCase = new Map(Object.entries(env).map(([name, value]) => [name.toUpperCase(), value]));
  return (name) => byUpperCase.get(name.toUpperCase());
}
