import type { SettingsPreview, SettingsView } from '#shared/contract/settings.ts';
import type { ConfigEdit } from './edit-config.ts';

/** Who asks for a change of the configuration. */
export interface SettingsCaller {
  /** The owner of the file, at the desktop's own window; whoever comes over HTTP is not. */
  readonly isOwner: boolean;
}

/** The configuration file as the rest of Corral may look at it and change it. */
export interface SettingsAccess {
  /** Throws `conflict` if the file is there and cannot be read. */
  readSettings(caller: SettingsCaller): Promise<SettingsView>;
  /** Touches nothing. Throws as `readSettings` does. */
  previewSettings(
    edits: readonly ConfigEdit[],
    options: SettingsCaller & { isLoaded(modelId: string): boolean },
  ): Promise<SettingsPreview>;
  /**
   * Changes the file, comments and order kept, and applies it. Throws `forbidden` for settings that only the owner may
   * change, `config-invalid` for values that make no valid file, `invalid-request` for a mask in place of a secret,
   * `conflict` if somebody else is changing it right now.
   */
  updateSettings(edits: readonly ConfigEdit[], caller: SettingsCaller): Promise<void>;
  /**
   * Replaces the file of another program that is in use, and applies it; the content before is kept as `<file>.previous`.
   * Throws `config-invalid` for a text that would not load, `conflict` if the file in use is Corral's own or cannot be
   * written. Whether the caller may do so is the caller's to know.
   */
  replaceForeignFile(text: string): Promise<void>;
}
