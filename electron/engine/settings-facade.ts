import { AppError } from '#shared/contract/errors.ts';
import type { SettingsAccess } from './config/settings-access.ts';
import type { Engine } from './engine-contract.ts';

/** The configuration file for the facade; there may be none to show or change. */
export function createSettingsFacade(
  settings: SettingsAccess | undefined,
  isLoaded: (modelId: string) => boolean,
): Pick<Engine, 'readSettings' | 'previewSettings' | 'updateSettings'> {
  if (settings === undefined) {
    const refuse = (): Promise<never> =>
      Promise.reject(new AppError('conflict', 'This Corral has no configuration file.'));
    return { readSettings: refuse, previewSettings: refuse, updateSettings: refuse };
  }
  return {
    readSettings: (caller) => settings.readSettings(caller),
    previewSettings: (edits, caller) => settings.previewSettings(edits, { ...caller, isLoaded }),
    updateSettings: (edits, caller) => settings.updateSettings(edits, caller),
  };
}
