import type { SettingsView } from '#shared/contract/settings.ts';
import { configJsonSchema } from './config-json-schema.ts';
import { openPaths } from './forbidden-edits.ts';
import { maskSettings } from './mask-settings.ts';
import { notYetEffective } from './not-yet-effective.ts';

let schema: SettingsView['schema'] | undefined;

/** The configuration file as a form shows it. Pure. */
export function settingsView(options: {
  readonly filePath: string;
  /** Undefined if there is no file. */
  readonly text: string | undefined;
  /** The caller may change all. */
  readonly isUnlimited: boolean;
  readonly lanAddresses: readonly string[];
}): SettingsView {
  const { filePath, text, isUnlimited } = options;
  const masked = maskSettings(text ?? '');
  schema ??= JSON.parse(JSON.stringify(configJsonSchema())) as SettingsView['schema'];
  return {
    filePath,
    exists: text !== undefined,
    text: masked.text,
    values: masked.values as SettingsView['values'],
    schema,
    openPaths: isUnlimited ? null : [...openPaths],
    inactivePaths: notYetEffective.map(({ pattern }) => pattern),
    lanAddresses: [...options.lanAddresses],
  };
}
