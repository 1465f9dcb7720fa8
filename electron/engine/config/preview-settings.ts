import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { SettingIssue, SettingsPreview } from '#shared/contract/settings.ts';
import { decideConfigChange } from './config-change.ts';
import { editConfig, type ConfigEdit } from './edit-config.ts';
import { findForbiddenEdits } from './forbidden-edits.ts';
import { formatConfigIssue, type ConfigIssue } from './config-issue.ts';
import { MAX_CONFIG_BYTES, parseConfig, type ConfigSurroundings } from './load-config.ts';
import { findMaskedEdits, maskSettings } from './mask-settings.ts';
import type { ResolvedConfig } from './resolved-config.ts';

export interface PreviewOptions extends ConfigSurroundings {
  readonly filePath: string;
  /** The file as it is. */
  readonly before: string;
  readonly edits: readonly ConfigEdit[];
  /** May change all, also what says what is run. */
  readonly isUnlimited: boolean;
  /** What is in use; undefined before the first good one. */
  readonly current: ResolvedConfig | undefined;
  override(config: ResolvedConfig): ResolvedConfig;
  isLoaded(modelId: string): boolean;
}

/** What a save of the same edits would write and do, or why it would be refused. Pure. */
export function previewSettings(options: PreviewOptions): SettingsPreview {
  const { filePath, before, edits, env, homeFolder, platform } = options;
  const refused = [...(options.isUnlimited ? [] : findForbiddenEdits(edits)), ...findMaskedEdits(edits)];
  const nothing = { restarts: [], added: [], removed: [], isListenerChanged: false };
  const refuse = (text: string, issues: readonly ConfigIssue[]): SettingsPreview => ({
    text: maskSettings(text).text,
    issues: [...refused, ...issues].map(issueView),
    ...nothing,
  });

  let after: string;
  try {
    after = editConfig({ text: before, edits });
  } catch (thrown) {
    const broken = parseConfig({ text: before, filePath, env, homeFolder, platform });
    if (thrown instanceof AppError && thrown.code === 'config-invalid' && !broken.ok) {
      return refuse(before, broken.errors);
    }
    if (!(thrown instanceof AppError) || thrown.code !== 'invalid-request') throw thrown;
    return refuse(before, [{ path: '', message: thrown.message }]);
  }
  if (refused.length > 0) return refuse(before, []);
  if (Buffer.byteLength(after) > MAX_CONFIG_BYTES) {
    return refuse(before, [{ path: '', message: 'would be larger than 4 MiB' }]);
  }
  const parsed = parseConfig({ text: after, filePath, env, homeFolder, platform });
  if (!parsed.ok) return refuse(after, parsed.errors);
  let next: ResolvedConfig;
  try {
    next = options.override(parsed.config);
  } catch (thrown) {
    return refuse(after, [{ path: '', message: toAppError(thrown).message }]);
  }
  const text = maskSettings(after).text;
  if (options.current === undefined) return { text, issues: [], ...nothing, added: [...next.models.keys()] };
  const change = decideConfigChange(options.current, next);
  return {
    text,
    issues: [],
    restarts: change.restarted.map(({ id, reasons }) => ({
      model: id,
      isLoaded: options.isLoaded(id),
      reasons: [...reasons],
    })),
    added: [...change.added],
    removed: [...change.removed],
    isListenerChanged: change.isListenerChanged,
  };
}

/** The place is said in words: a form shows an issue at its setting, and a person looks into the file. */
function issueView(issue: ConfigIssue): SettingIssue {
  return { path: issue.path, message: formatConfigIssue({ ...issue, path: '' }) };
}
