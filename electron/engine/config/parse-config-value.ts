import { posix, win32 } from 'node:path';
import { formatPath, type ConfigIssue, type LocatedIssue, type PathSegment } from './config-issue.ts';
import { findCrossErrors, findWarnings } from './cross-checks.ts';
import { explainZodIssues } from './explain-zod-issues.ts';
import type { ConfigResult, ConfigSurroundings } from './load-config.ts';
import { prepareValues } from './prepare-values.ts';
import type { Position } from './read-yaml.ts';
import { resolveConfig } from './resolve-config.ts';
import { configSchema } from './schema.ts';

/**
 * What a configuration's value means, as `parseConfig` says; `locate` knows where in the text a path stands. Pure. `filePath`
 * is absolute.
 */
export function parseConfigValue(
  raw: unknown,
  options: ConfigSurroundings & {
    readonly filePath: string;
    locate(segments: readonly PathSegment[]): Position | undefined;
  },
): ConfigResult {
  const { filePath, env, homeFolder, platform, locate } = options;
  const isWindows = platform === 'win32';
  const prepared = prepareValues(raw ?? {}, { env, isWindows });
  const parsed = configSchema.safeParse(prepared.value);
  const schemaErrors = parsed.success ? [] : explainZodIssues(parsed.error.issues, prepared.value);
  const errors = withoutConsequences(prepared.issues, [...schemaErrors, ...findCrossErrors(prepared.value)]);
  if (!parsed.success || errors.length > 0) return { ok: false, errors: placeIssues(errors, locate) };

  const folder = (isWindows ? win32 : posix).dirname(filePath);
  return {
    ok: true,
    config: resolveConfig(parsed.data, { filePath, paths: { folder, homeFolder, isWindows } }),
    warnings: placeIssues(findWarnings(prepared.value), locate),
  };
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
