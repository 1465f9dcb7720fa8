import { AppError } from '#shared/contract/errors.ts';

export type PathSegment = string | number;

/** One thing wrong with (or noteworthy about) a configuration, in words for the person who wrote it. Never holds a secret. */
export interface ConfigIssue {
  /** Such as `models.qwen.ttl` or `server.apiKeys[0].key`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** An issue whose place in the file has not been looked up yet. */
export interface LocatedIssue {
  readonly segments: readonly PathSegment[];
  readonly message: string;
}

/** `models.qwen.aliases[0]`; ids with dots, spaces and the like as `models["qwen 2.5"]`. */
export function formatPath(segments: readonly PathSegment[]): string {
  let path = '';
  for (const segment of segments) {
    if (typeof segment === 'number') path += `[${segment}]`;
    else if (/^[\w$/:-]+$/.test(segment)) path += path === '' ? segment : `.${segment}`;
    else path += `[${JSON.stringify(segment)}]`;
  }
  return path;
}

/** `models.qwen.ttl (line 12, column 10): must be …`, one line. */
export function formatConfigIssue(issue: ConfigIssue): string {
  const place =
    issue.line === undefined ? '' : `line ${issue.line}${issue.column === undefined ? '' : `, column ${issue.column}`}`;
  if (issue.path === '') return place === '' ? issue.message : `${place}: ${issue.message}`;
  return `${issue.path}${place === '' ? '' : ` (${place})`}: ${issue.message}`;
}

/** The error for an operation that cannot go on with this file: `config-invalid`, all issues in message and details; `say` is how the program whose file it is puts it. */
export function configInvalidError(filePath: string, issues: readonly ConfigIssue[], say?: string): AppError {
  if (say !== undefined) return new AppError('config-invalid', say, { details: { filePath, issues, say } });
  const count = issues.length === 1 ? 'an error' : `${issues.length} errors`;
  const lines = issues.map((issue) => `  ${formatConfigIssue(issue)}`);
  return new AppError(
    'config-invalid',
    `${filePath} has ${count}; correct the file and try again:\n${lines.join('\n')}`,
    {
      details: { filePath, issues },
    },
  );
}
