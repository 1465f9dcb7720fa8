import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { LocatedIssue, PathSegment } from './config-issue.ts';
import { knownKeysAt } from './config-json-schema.ts';

/**
 * What zod found, in words for the person who wrote the file: one issue a mistake, unknown keys with the nearest known
 * one. Values are never repeated, since any of them may be a secret.
 */
export function explainZodIssues(
  zodIssues: readonly z.core.$ZodIssue[],
  value: unknown,
  knownAt: KnownKeys = knownKeysAt,
): LocatedIssue[] {
  return zodIssues.flatMap((issue) => explain(issue, value, knownAt));
}

/** The keys a schema has at a path. */
type KnownKeys = (segments: readonly PathSegment[]) => readonly string[];

function explain(issue: z.core.$ZodIssue, value: unknown, knownAt: KnownKeys): LocatedIssue[] {
  const segments = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const received = valueAt(value, segments);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        segments: [...segments, key],
        message: explainUnknownKey(knownAt(segments), key),
      }));
    case 'invalid_key':
      return issue.issues.map((inner) => ({ segments, message: inner.message }));
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_union':
      if (received === undefined) return [{ segments, message: 'must be given, but is missing or empty' }];
      return [{ segments, message: explainMismatch(issue, received) }];
    case 'too_small':
      return [
        {
          segments,
          message:
            issue.origin === 'string' || issue.origin === 'array' ? issue.message : `must be at least ${issue.minimum}`,
        },
      ];
    case 'too_big':
      return [
        {
          segments,
          message:
            issue.origin === 'string' || issue.origin === 'array' ? issue.message : `must be at most ${issue.maximum}`,
        },
      ];
    default:
      return [{ segments, message: issue.message }];
  }
}

function explainMismatch(issue: z.core.$ZodIssue, received: unknown): string {
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  // Unions carry a message of their own, which already says what may stand there.
  if (issue.code !== 'invalid_type') return issue.message;
  const expected = expectedWords[issue.expected] ?? issue.expected;
  const hint = issue.expected === 'string' && typeof received !== 'object' ? '; put quotes around it' : '';
  return `must be ${expected}, but is ${describeKind(received)}${hint}`;
}

const expectedWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

function describeKind(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return 'a number';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'object' ? 'a group of keys' : 'text';
}

function explainUnknownKey(known: readonly string[], key: string): string {
  const nearest = nearestKey(key, known);
  if (nearest !== undefined) return `unknown key; did you mean \`${nearest}\`?`;
  return known.length === 0 ? 'unknown key' : `unknown key; known here: ${known.join(', ')}`;
}

/** The known key that `key` is most likely a slip of; case, dashes and underscores don't count. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const plain = plainKey(key);
  let best: { key: string; cost: number } | undefined;
  for (const candidate of known) {
    const other = plainKey(candidate);
    // Letters that changed places are one slip, though Levenshtein counts two.
    const cost =
      sortLetters(plain) === sortLetters(other) ? Math.min(1, distance(plain, other)) : distance(plain, other);
    if (cost < (best?.cost ?? Infinity)) best = { key: candidate, cost };
  }
  // More than a third of the letters wrong is another word, not a slip.
  return best !== undefined && best.cost <= Math.max(1, Math.floor(plain.length / 3)) ? best.key : undefined;
}

function sortLetters(text: string): string {
  return Array.from(text).sort().join('');
}

function plainKey(key: string): string {
  return key.toLowerCase().replace(/[-_\s]/g, '');
}

function valueAt(value: unknown, segments: readonly PathSegment[]): unknown {
  let current = value;
  for (const segment of segments) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, segment)) return undefined;
    current = (current as Record<PathSegment, unknown>)[segment];
  }
  return current;
}
