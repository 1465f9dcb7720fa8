import { createContext, useContext, useState } from 'react';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import type { SettingEdit, SettingsView } from '#shared/contract/settings.ts';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { notify, notifyError } from '../../store/notices.ts';
import { describeApplied } from './describe-preview.ts';
import { inverseEdits, toRequest, type Edits, type SettingValues } from './edits.ts';
import { rebaseEdits } from './rebase-edits.ts';
import type { SettingPath } from './setting-path.ts';
import { isOpenSetting } from '../../store/open-settings.ts';
import { budgetDevices, createFormContext, type FormContext } from './settings-form.ts';
import { holdsMask, isSecret } from './settings-schema.ts';
import { changeSettings, markApplied, revertSetting, useSettingsStore } from './settings-store.ts';
import { usePreview, type PreviewState } from './use-preview.ts';

export interface SettingsForm {
  readonly context: FormContext;
  readonly preview: PreviewState;
  /** Changes whose entry somebody else has removed meanwhile. */
  readonly lostEdits: Edits;
  /** Somebody else changed the file after the first of the pending changes was made. */
  readonly isFileChanged: boolean;
  readonly isApplying: boolean;
  readonly applyError: AppError | undefined;
  /** Devices that have, or may get, a budget. */
  readonly devices: readonly string[];
  change(...changes: SettingEdit[]): void;
  revert(path: SettingPath): void;
  apply(): void;
}

export const SettingsFormContext = createContext<SettingsForm | undefined>(undefined);

export function useSettingsForm(): SettingsForm {
  const form = useContext(SettingsFormContext);
  if (form === undefined) throw new Error('useSettingsForm is used outside of the settings page.');
  return form;
}

/** The form over what the file says now and what is pending. */
export function useCreateSettingsForm(settings: SettingsView): SettingsForm {
  const { bridge } = useEngine();
  const pendingEdits = useSettingsStore((state) => state.edits);
  const baseValues = useSettingsStore((state) => state.baseValues);
  const configErrors = useAppStore(({ snapshot }) => snapshot?.instance.configErrors ?? none);
  const snapshotDevices = useAppStore(({ snapshot }) => snapshot?.memory.devices ?? none);
  const [isApplying, setIsApplying] = useState(false);
  const [applyError, setApplyError] = useState<{ readonly error: AppError; readonly edits: Edits } | undefined>();

  const values = (settings.values ?? {}) as SettingValues;
  const { edits, lost } = rebaseEdits(pendingEdits, baseValues ?? values, values);
  const request = toRequest(edits, values);
  const preview = usePreview(request, settings.text);
  const issues = edits.length === 0 ? configErrors : (preview.preview?.issues ?? none);
  const context = createFormContext(settings, edits, issues);

  async function apply(): Promise<void> {
    const shown = preview.preview;
    if (shown === undefined) return;
    setIsApplying(true);
    try {
      await bridge.call('update-settings', { edits: [...request] });
      markApplied();
      setApplyError(undefined);
      const inverse = inverseEdits(edits, values, (path, value) => isSecret(path) || holdsMask(value));
      const canUndo = inverse?.every(({ path }) => isOpenSetting(path, settings.openPaths)) === true;
      notify(
        'done',
        describeApplied(edits.length, shown),
        canUndo ? { label: 'Undo', run: () => void undo([...inverse]) } : undefined,
      );
    } catch (thrown) {
      setApplyError({ error: toAppError(thrown), edits: pendingEdits });
    } finally {
      setIsApplying(false);
    }
  }

  async function undo(inverse: SettingEdit[]): Promise<void> {
    try {
      await bridge.call('update-settings', { edits: inverse });
      useSettingsStore.setState(({ round }) => ({ round: round + 1 }));
      notify('done', 'The changes were taken back.');
    } catch (thrown) {
      notifyError(thrown);
    }
  }

  return {
    context,
    preview,
    lostEdits: lost,
    isFileChanged: pendingEdits.length > 0 && JSON.stringify(baseValues) !== JSON.stringify(values),
    isApplying,
    // Said of the changes that were refused, not of what they became since.
    applyError: applyError?.edits === pendingEdits ? applyError.error : undefined,
    devices: budgetDevices(
      context.edited,
      snapshotDevices.map(({ id }) => id),
    ),
    change: (...changes) => changeSettings(edits, changes, values),
    revert: (path) => revertSetting(edits, path, values),
    apply: () => void apply(),
  };
}

const none: readonly never[] = [];
