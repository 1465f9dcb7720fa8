import { create } from 'zustand';
import type { SettingEdit } from '#shared/contract/settings.ts';
import { dropEdits, putEdit, type Edits, type SettingValues } from './edits.ts';
import type { SectionId } from './field-table.ts';
import type { SettingPath } from './setting-path.ts';

/** What is under way on the page; it stays when another page is opened. What the file says is the engine's to tell. */
export interface SettingsState {
  readonly edits: Edits;
  /** What the file said when the first of the edits was made. */
  readonly baseValues: SettingValues | undefined;
  readonly section: SectionId;
  readonly modelId: string | undefined;
  /** The key of the field that the keyboard is to be put into. */
  readonly target: string | undefined;
  /** Made here and shown until they are put away, since the file shows them to nobody. */
  readonly newKeys: readonly { readonly name: string; readonly key: string }[];
  /** Rises when the file was changed from here. */
  readonly round: number;
}

export const useSettingsStore = create<SettingsState>(() => ({
  edits: [],
  baseValues: undefined,
  section: 'general',
  modelId: undefined,
  target: undefined,
  newKeys: [],
  round: 0,
}));

/** Adds changes to `edits`, which may have been moved to where they belong in a file that changed meanwhile. */
export function changeSettings(edits: Edits, changes: readonly SettingEdit[], values: SettingValues): void {
  const next = changes.reduce<Edits>((all, change) => putEdit(all, change, values), edits);
  useSettingsStore.setState({ edits: next, baseValues: values });
}

export function revertSetting(edits: Edits, path: SettingPath, values: SettingValues): void {
  useSettingsStore.setState({ edits: dropEdits(edits, path), baseValues: values });
}

export function discardChanges(): void {
  useSettingsStore.setState({ edits: [], baseValues: undefined, newKeys: [] });
}

export function markApplied(): void {
  useSettingsStore.setState(({ round }) => ({ edits: [], baseValues: undefined, round: round + 1 }));
}

/** What somebody else changed was seen; the changes made here now stand over that. */
export function acceptFile(edits: Edits, values: SettingValues): void {
  useSettingsStore.setState({ edits, baseValues: values });
}

export function openSection(section: SectionId): void {
  useSettingsStore.setState({ section, target: undefined });
}

export function jumpToField(section: SectionId, path: SettingPath, key: string): void {
  useSettingsStore.setState({
    section,
    target: key,
    ...(section === 'models' ? { modelId: String(path[1]) } : {}),
  });
}
