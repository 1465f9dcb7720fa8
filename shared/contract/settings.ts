import { z } from 'zod';

/** The configuration file as a form and its preview show it. */

/** Stands in place of every secret. Nothing that a key may consist of, and refused in an edit. */
export const SECRET_MASK = '••••••';

export const settingEditsSchema = z
  .array(
    z.strictObject({
      /** Names, and positions in lists from 0; the position behind the last adds an entry. */
      path: z.array(z.union([z.string(), z.number().int().min(0)])).min(1),
      /** Left out: the setting is removed. */
      value: z.json().optional(),
    }),
  )
  .min(1);

export type SettingEdit = z.infer<typeof settingEditsSchema>[number];

export const settingIssueSchema = z.object({ path: z.string(), message: z.string() });

export type SettingIssue = z.infer<typeof settingIssueSchema>;

export const settingsViewSchema = z.object({
  /** Where the file is, or would be made. */
  filePath: z.string(),
  exists: z.boolean(),
  /** The file, with secrets masked; empty if there is none. */
  text: z.string(),
  /** What the file says as plain JSON, with secrets masked; null while it is not valid YAML. */
  values: z.record(z.string(), z.json()).nullable(),
  /** JSON Schema of the file: descriptions and defaults. */
  schema: z.record(z.string(), z.json()),
  /** Paths this caller may change (`models.*.ttl`; `*` is any name or position); null if it may change all. */
  openPaths: z.array(z.string()).nullable(),
  /** Settings that this version reads and does not act on yet. */
  inactivePaths: z.array(z.string()),
  /** Addresses of this machine in the local network, for other devices to call. */
  lanAddresses: z.array(z.string()),
});

export type SettingsView = z.infer<typeof settingsViewSchema>;

export const settingsPreviewSchema = z.object({
  /** The file as it would be, with secrets masked. */
  text: z.string(),
  /** Why it would be refused; empty if it would not. */
  issues: z.array(settingIssueSchema),
  /** Models whose process would be replaced, once it has answered what it is answering. */
  restarts: z.array(z.object({ model: z.string(), isLoaded: z.boolean(), reasons: z.array(z.string()) })),
  added: z.array(z.string()),
  removed: z.array(z.string()),
  /** The address would change; clients that use the old one have to be told. */
  isListenerChanged: z.boolean(),
});

export type SettingsPreview = z.infer<typeof settingsPreviewSchema>;
