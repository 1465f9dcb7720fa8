import type { SettingIssue } from '#shared/contract/settings.ts';

/** The lines that issues name, in their path or their message: `line 12`. From 1. */
export function findIssueLines(issues: readonly SettingIssue[]): ReadonlySet<number> {
  const found = issues.flatMap(({ path, message }) =>
    [...`${path} ${message}`.matchAll(/\bline (\d+)/g)].map(([, line]) => Number(line)),
  );
  return new Set(found);
}
