import { SECRET_MASK } from '#shared/contract/settings.ts';
import type { PathSegment } from './config-issue.ts';

const secretName = /(?:key|token|secret|password|passwd)$/i;
const keyListName = /^api[_-]?keys$/i;
/** The groups whose names are the user's own: a model may be called `env`. */
const namedByUser: ReadonlySet<string> = new Set(['models', 'sets', 'pools']);

/**
 * Whether what stands at a path is a secret if it is a single value: keys, tokens and passwords by their name wherever they
 * stand, since a file whose indentation is wrong still holds them, and all of an environment.
 */
export function isSecretPath(path: readonly PathSegment[]): boolean {
  const last = path.at(-1);
  if (typeof last === 'string' && secretName.test(last)) return true;
  const parent = path.at(-2);
  // Keys without the group that they should stand in.
  if (typeof parent === 'string' && keyListName.test(parent)) return true;
  return path.some((segment, index) => segment === 'env' && !(index === 1 && namedByUser.has(String(path[0]))));
}

/** `${env.NAME}` and nothing else: where the secret is, and not the secret. */
export function isReference(text: string): boolean {
  return /^\$\{env\.[^\s${}]+\}$/.test(text);
}

/** A single value without what is secret in it. Numbers of a secret path become text, as everything masked. */
export function maskScalar(value: unknown, path: readonly PathSegment[]): unknown {
  if (value === null || value === undefined || value === '') return value;
  if (isSecretPath(path)) return typeof value === 'string' && isReference(value) ? value : SECRET_MASK;
  return typeof value === 'string' ? maskText(value) : value;
}

const flagWithValue =
  /((?:^|\s)--?(?:[\w-]*(?:key|token|secret|password|passwd)|hft)(?:=|\s+))("[^"]*"|'[^']*'|[^\s"']+)/gi;
const urlPassword = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@]*:)([^\s/@]+)(@)/gi;

/** Secrets inside of a text: what follows `--api-key` and its like in a command, and passwords in addresses. */
function maskText(text: string): string {
  return text
    .replace(flagWithValue, (whole, flag: string, word: string) =>
      isReference(word) || word.startsWith('-') ? whole : `${flag}${SECRET_MASK}`,
    )
    .replace(urlPassword, (whole, head: string, password: string, at: string) =>
      isReference(password) ? whole : `${head}${SECRET_MASK}${at}`,
    );
}

const secretFlag = /^--?(?:[\w-]*(?:key|token|secret|password|passwd)|hft)$/i;

/** Whether a word of a list is the value of the flag before it. */
export function isFlagValue(previous: unknown, word: unknown): boolean {
  return (
    typeof previous === 'string' &&
    secretFlag.test(previous) &&
    typeof word === 'string' &&
    !word.startsWith('--') &&
    !isReference(word)
  );
}
