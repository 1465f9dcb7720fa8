import { formatConfigIssue, type ConfigIssue } from '../../../../electron/engine/config/config-issue.ts';
import { parseConfig } from '../../../../electron/engine/config/load-config.ts';
import type { ResolvedConfig } from '../../../../electron/engine/config/resolved-config.ts';

/** Reads configurations as text, on a machine that is always the same. */

export const surroundings = {
  env: { TOKEN: 's3cret', FILES: '/data' },
  homeFolder: '/home/ann',
  platform: 'linux',
} as const;

export function parse(
  text: string,
  more: Partial<Parameters<typeof parseConfig>[0]> = {},
): ReturnType<typeof parseConfig> {
  return parseConfig({ ...surroundings, text, filePath: '/etc/corral/config.yaml', ...more });
}

export function valid(text: string, more: Partial<Parameters<typeof parseConfig>[0]> = {}): ResolvedConfig {
  const result = parse(text, more);
  if (!result.ok) throw new Error(result.errors.map(formatConfigIssue).join('\n'));
  return result.config;
}

export function errorsOf(text: string): readonly ConfigIssue[] {
  const result = parse(text);
  return result.ok ? [] : result.errors;
}
