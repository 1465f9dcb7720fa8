import type { SettingEdit, SettingIssue, SettingsView } from '#shared/contract/settings.ts';

/** A model that is about to be added, as the form has it and as the configuration would. Pure. */

export interface ModelDraft {
  readonly path: string;
  readonly id: string;
  /** As typed; empty for Corral's choice. */
  readonly contextSize: string;
  readonly embeddings: boolean;
}

export type DraftField = 'path' | 'id' | 'contextSize' | 'embeddings';

export const emptyDraft: ModelDraft = { path: '', id: '', contextSize: '', embeddings: false };

/** What can be told to be wrong without asking. An empty form is not finished, and not wrong. */
export function checkDraft(draft: ModelDraft, taken: readonly string[]): Partial<Record<DraftField, string>> {
  return {
    ...(draft.path !== '' && !/\.gguf$/i.test(draft.path.trim())
      ? { path: 'Model files end in .gguf; of a split one give the first part.' }
      : {}),
    ...(taken.includes(draft.id) ? { id: 'Another model has this name.' } : {}),
    ...(/^\d*$/.test(draft.contextSize.trim()) ? {} : { contextSize: 'Give a number of tokens, or leave it empty.' }),
  };
}

export function isFinished(draft: ModelDraft): boolean {
  return draft.path.trim() !== '' && draft.id.trim() !== '';
}

export function draftEdits(draft: ModelDraft): SettingEdit[] {
  const at = (key: string): SettingEdit['path'] => ['models', draft.id.trim(), key];
  return Object.entries(draftEntry(draft)).map(([key, value]) => ({ path: at(key), value }));
}

function draftEntry({ path, contextSize, embeddings }: ModelDraft): Record<string, string | number | boolean> {
  return {
    file: path.trim(),
    ...(contextSize.trim() === '' ? {} : { contextSize: Number(contextSize) }),
    ...(embeddings ? { embeddings: true } : {}),
  };
}

/** The same for a file that is edited by hand. Every text is quoted: quoted, it means the same everywhere. */
export function draftYaml(draft: ModelDraft): string {
  const lines = Object.entries(draftEntry(draft)).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`);
  return ['models:', `  ${JSON.stringify(draft.id.trim())}:`, ...lines].join('\n');
}

/** Which field an issue belongs to; undefined if to none of them. */
export function issueField(issue: SettingIssue): DraftField | undefined {
  if (!issue.path.startsWith('models')) return undefined;
  if (issue.path.endsWith('.file')) return 'path';
  if (issue.path.endsWith('.contextSize')) return 'contextSize';
  if (issue.path.endsWith('.embeddings')) return 'embeddings';
  return 'id';
}

/** A model's entry in the file, to put it back; undefined if it has secrets in it, which nobody is shown. */
export function restorableEntry(values: SettingsView['values'], id: string): SettingEdit['value'] {
  const models = values?.['models'];
  if (typeof models !== 'object' || models === null || Array.isArray(models)) return undefined;
  const entry = models[id];
  return entry === undefined || JSON.stringify(entry).includes('•••') ? undefined : entry;
}
