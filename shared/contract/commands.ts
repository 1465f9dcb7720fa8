import { z } from 'zod';
import { catalogViewSchema } from './catalog.ts';
import { downloadViewSchema } from './downloads.ts';
import { loadPlanViewSchema, memoryHistorySchema } from './memory.ts';
import { requestRecordSchema } from './request-record.ts';
import { settingEditsSchema, settingsPreviewSchema, settingsViewSchema } from './settings.ts';
import { modelViewSchema, snapshotSchema } from './snapshot.ts';

const modelRequest = z.strictObject({ model: z.string().min(1) });
const downloadRequest = z.strictObject({ download: z.string().min(1) });
const downloadResponse = z.object({ download: downloadViewSchema });
const modelResponse = z.object({ model: modelViewSchema });

export const ejectModes = ['when-idle', 'after-queue', 'now'] as const;

export type EjectMode = (typeof ejectModes)[number];

export const logLineSchema = z.object({
  /** Rises by one a line and never repeats while Corral runs. */
  number: z.number(),
  at: z.number(),
  stream: z.enum(['stdout', 'stderr', 'corral']),
  text: z.string(),
});

export type LogLine = z.infer<typeof logLineSchema>;

const ejectOutcomeSchema = z.object({
  model: z.string(),
  /** False if it was not loaded in the first place. */
  wasLoaded: z.boolean(),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  /** Until the process was gone and its memory was seen to be free again. */
  tookMs: z.number(),
  /** What came back, by device. */
  freedBytes: z.record(z.string(), z.number()),
});

export type EjectOutcome = z.infer<typeof ejectOutcomeSchema>;

const deletedModelSchema = z.object({
  model: z.string(),
  /** Absolute paths. */
  files: z.array(z.string()),
  /** Space on the disk; content that another snapshot of the repository needs stays. */
  freedBytes: z.number(),
});

export type DeletedModel = z.infer<typeof deletedModelSchema>;

/**
 * Everything a client can ask for. Transports loop over this table: a new command is a row here, a handler in
 * electron/api and a caller.
 */
export const commands = {
  'get-snapshot': { request: z.strictObject({}), response: snapshotSchema },
  /** Returns once the model is ready; fails as a request for it would. */
  'load-model': { request: modelRequest, response: modelResponse },
  /** Returns once the process is gone. */
  'eject-model': {
    request: z.strictObject({ model: z.string().min(1), mode: z.enum(ejectModes).default('when-idle') }),
    response: z.object({ ejected: ejectOutcomeSchema }),
  },
  'eject-all-models': {
    request: z.strictObject({ mode: z.enum(ejectModes).default('when-idle') }),
    response: z.object({ ejected: z.array(ejectOutcomeSchema) }),
  },
  /** Keeps a model from being ejected to make room or for being idle, until unpinned or restart. */
  'pin-model': { request: modelRequest, response: modelResponse },
  'unpin-model': { request: modelRequest, response: modelResponse },
  /** Forgets past failures, so that the next request starts the model again. */
  'reset-model': { request: modelRequest, response: modelResponse },
  /** What loading a model would take and do now; nothing happens. A load is decided by the very same. */
  'plan-load': { request: modelRequest, response: z.object({ plan: loadPlanViewSchema }) },
  /** Unloads everything, and loads nothing until it is switched off. */
  'set-game-mode': { request: z.strictObject({ isOn: z.boolean() }), response: z.object({ isGameMode: z.boolean() }) },
  /** Looks for a llama-server anew, for somebody who has installed one meanwhile. Returns at once; the snapshot tells more. */
  'find-engine': { request: z.strictObject({}), response: z.object({}) },
  'cancel-request': { request: z.strictObject({ request: z.string().min(1) }), response: z.object({}) },
  /**
   * Changes the configuration file, comments and order kept, and applies it. Settings that say what is run, with which
   * environment, and where requests go are refused unless the file itself allows it (`server.allowRemoteConfig`).
   */
  'update-settings': { request: z.strictObject({ edits: settingEditsSchema }), response: z.object({}) },
  /** The configuration file as it is, with what a form needs to edit it. Secrets are masked. */
  'read-settings': { request: z.strictObject({}), response: settingsViewSchema },
  /** What `update-settings` with the same edits would write and do; nothing happens. */
  'preview-settings': { request: z.strictObject({ edits: settingEditsSchema }), response: settingsPreviewSchema },
  /** What is known of model files and llama.cpp builds on this machine. */
  'read-catalog': { request: z.strictObject({}), response: catalogViewSchema },
  /** Looks again for models on disk, where the configuration says that they are looked for. */
  'rescan-catalog': { request: z.strictObject({}), response: z.object({ found: z.number() }) },
  /**
   * Begins to download a model from Hugging Face, or joins the download that runs already: `user/repo`, `user/repo:QUANT` or
   * `user/repo/file.gguf`. Returns at once; how it goes on is in the snapshot.
   */
  'pull-model': {
    request: z.strictObject({ source: z.string().min(1).max(500), file: z.string().min(1).max(1000).optional() }),
    response: downloadResponse,
  },
  /**
   * Deletes the files of a model that Corral downloaded, once its running requests are answered and it is unloaded. Whatever
   * else there is, in the configuration or put there by other programs, is refused.
   */
  'delete-model': { request: modelRequest, response: z.object({ deleted: deletedModelSchema }) },
  'pause-download': { request: downloadRequest, response: downloadResponse },
  /** Also tries one again that failed. */
  'resume-download': { request: downloadRequest, response: downloadResponse },
  /** Deletes what has arrived; a finished download is only taken off the list. */
  'cancel-download': { request: downloadRequest, response: z.object({}) },
  'list-downloads': { request: z.strictObject({}), response: z.object({ downloads: z.array(downloadViewSchema) }) },
  /** Who held how much of each device over the last hour. */
  'read-memory-history': { request: z.strictObject({}), response: memoryHistorySchema },
  /** The newest requests, newest first: what they cost and how they ended. */
  'list-requests': {
    request: z.strictObject({ limit: z.number().int().min(1).max(10_000).default(100) }),
    response: z.object({ requests: z.array(requestRecordSchema) }),
  },
  /**
   * Lines of a model's log, or of Corral's own with source `corral`: the newest `limit` of those after line `after` and,
   * to page backwards, before line `before`.
   */
  'read-logs': {
    request: z.strictObject({
      source: z.string().min(1),
      after: z.number().int().min(0).default(0),
      before: z.number().int().min(1).optional(),
      limit: z.number().int().min(1).max(10_000).default(1000),
    }),
    response: z.object({ lines: z.array(logLineSchema), hasEarlier: z.boolean() }),
  },
} as const satisfies Record<string, { request: z.ZodType; response: z.ZodType }>;

export type CommandName = keyof typeof commands;

export const commandNames = Object.keys(commands) as CommandName[];

/** What a caller passes: defaults may be left out. */
export type CommandRequest<Name extends CommandName> = z.input<(typeof commands)[Name]['request']>;

/** What a handler receives: defaults filled in. */
export type ParsedRequest<Name extends CommandName> = z.output<(typeof commands)[Name]['request']>;

export type CommandResponse<Name extends CommandName> = z.output<(typeof commands)[Name]['response']>;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}
