import { open } from 'node:fs/promises';
import { posix, resolve, win32 } from 'node:path';
import { formatPath, type ConfigIssue, type LocatedIssue } from './config-issue.ts';
import { findCrossErrors, findWarnings } from './cross-checks.ts';
import { explainZodIssues } from './explain-zod-issues.ts';
import { prepareValues } from './prepare-values.ts';
import { readYaml, type Position } from './read-yaml.ts';
import { resolveConfig } from './resolve-config.ts';
import type { ResolvedConfig } from './resolved-config.ts';
import { configSchema } from './schema.ts';

/** A file written by hand is a few kilobytes; what is larger than this is the wrong file. */
export const MAX_CONFIG_BYTES = 4 * 2 ** 20;

/** What the meaning of a configuration depends on besides its text. */
export interface ConfigSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly platform: NodeJS.Platform;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: ResolvedConfig; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly errors: readonly ConfigIssue[] };

/**
 * Reads a configuration: YAML 1.2 or JSON, defaults filled in, `${env.NAME}` and `~` expanded, relative paths taken from
 * the folder of `filePath` (absolute). Pure, and never throws for what the text holds: it returns every error at once, in
 * the order of the file, with path, line and column. No message repeats a value, since it may be a secret.
 */
export function parseConfig(
  options: ConfigSurroundings & { readonly text: string; readonly filePath: string },
): ConfigResult {
  const { text, filePath, env, homeFolder, platform } = options;
  const isWindows = platform === 'win32';
  const yaml = readYaml(text.replace(/^\uFEFF/, ''));
  if (!yaml.ok) return { ok: false, errors: yaml.issues };
  const raw = yaml.value ?? {};

  const prepared = prepareValues(raw, { env, isWindows });
  const parsed = configSchema.safeParse(prepared.value);
  const schemaErrors = parsed.success ? [] : explainZodIssues(parsed.error.issues, prepared.value);
  const errors = withoutConsequences(prepared.issues, [...schemaErrors, ...findCrossErrors(prepared.value)]);
  if (!parsed.success || errors.length > 0) return { ok: false, errors: placeIssues(errors, yaml.locate) };

  const folder = (isWindows ? win32 : posix).dirname(filePath);
  return {
    ok: true,
    config: resolveConfig(parsed.data, { filePath, paths: { folder, homeFolder, isWindows } }),
    warnings: placeIssues(findWarnings(prepared.value), yaml.locate),
  };
}

/** The configuration of somebody who has no file. */
export function defaultConfig(surroundings: ConfigSurroundings): ResolvedConfig {
  const { homeFolder, platform } = surroundings;
  const paths = { folder: homeFolder, homeFolder, isWindows: platform === 'win32' };
  return resolveConfig(configSchema.parse({}), { filePath: undefined, paths });
}

/**
 * Reads and parses the file at `filePath` (relative to the working folder). A file that is not there means defaults,
 * with `config.filePath` undefined, unless the user named it (`isExplicit`). What cannot be read, is no UTF-8 or is larger
 * than 4 MiB is an error in the result, and so is a file without a character where one is in use (`isInUse`): it is what a
 * program that broke off while it wrote leaves behind. Rejects only with the reason of `signal`.
 */
export async function loadConfig(
  options: ConfigSurroundings & {
    readonly filePath: string;
    readonly isExplicit: boolean;
    readonly isInUse?: boolean;
    readonly signal?: AbortSignal;
  },
): Promise<ConfigResult> {
  const { isExplicit, isInUse, signal, ...surroundings } = options;
  const filePath = resolve(options.filePath);
  const refuse = (message: string): ConfigResult => ({ ok: false, errors: [{ path: '', message }] });
  let bytes: Buffer | 'too-large';
  try {
    bytes = await readAtMost(filePath, MAX_CONFIG_BYTES, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOENT' && !isExplicit) return { ok: true, config: defaultConfig(surroundings), warnings: [] };
    return refuse(readProblems[code] ?? `cannot be read (${code})`);
  }
  if (bytes === 'too-large') return refuse('is larger than 4 MiB; this is not a configuration of Corral');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse('is not UTF-8 text; save it with that encoding');
  }
  if (isInUse === true && text.trim() === '') return refuse('is empty; write `models: {}` if that is what you mean');
  return parseConfig({ ...surroundings, text, filePath });
}

const readProblems: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; check the path, or start without it to use the defaults',
  ENOTDIR: 'does not exist: a part of its path is not a folder',
  EACCES: 'may not be read by this user; check its permissions',
  EPERM: 'may not be read by this user; check its permissions',
  EISDIR: 'is a folder; name the file in it',
};

/** Works for pipes too, which have no size to look at first. */
async function readAtMost(filePath: string, limit: number, signal?: AbortSignal): Promise<Buffer | 'too-large'> {
  const file = await open(filePath, 'r');
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      total += bytesRead;
      if (total > limit) return 'too-large';
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Where a text could not be expanded, what the schema says about the remains would only confuse. */
function withoutConsequences(causes: readonly LocatedIssue[], others: readonly LocatedIssue[]): LocatedIssue[] {
  const causePaths = new Set(causes.map((issue) => formatPath(issue.segments)));
  const seen = new Set<string>();
  return [...causes, ...others.filter((issue) => !causePaths.has(formatPath(issue.segments)))].filter((issue) => {
    const identity = `${formatPath(issue.segments)}\n${issue.message}`;
    const isNew = !seen.has(identity);
    seen.add(identity);
    return isNew;
  });
}

function placeIssues(
  issues: readonly LocatedIssue[],
  locate: (segments: LocatedIssue['segments']) => Position | undefined,
): ConfigIssue[] {
  return issues
    .map(({ segments, message }) => ({ path: formatPath(segments), message, ...locate(segments) }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}
