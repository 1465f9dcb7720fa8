import { z } from 'zod';
import { serialisedErrorSchema } from './errors.ts';

/** Downloads of models. Sizes are in bytes; times ending in `At` are wall-clock milliseconds since 1970. */

export const downloadStates = ['looking-up', 'downloading', 'verifying', 'paused', 'failed', 'finished'] as const;

export type DownloadState = (typeof downloadStates)[number];

export const downloadFileViewSchema = z.object({
  /** The path within the repository. */
  path: z.string(),
  sizeBytes: z.number(),
  receivedBytes: z.number(),
  /** Hex: the SHA-256, or git's own SHA-1 for the few files that have no other. */
  digest: z.string(),
});

export const downloadViewSchema = z.object({
  id: z.string(),
  /** As it was asked for, such as `user/repo:Q4_K_M`. */
  source: z.string(),
  repo: z.string(),
  /** The quantization that is fetched; null until it is chosen, and where the name of the file tells none. */
  quant: z.string().nullable(),
  state: z.enum(downloadStates),
  /** What it waits for, in words, such as the next try after a lost connection. */
  detail: z.string().nullable(),
  /** Empty until the repository was looked up. */
  files: z.array(downloadFileViewSchema),
  /** Null until the repository was looked up. */
  totalBytes: z.number().nullable(),
  receivedBytes: z.number(),
  /** Over the last seconds; null while nothing comes. */
  bytesPerSecond: z.number().nullable(),
  remainingMs: z.number().nullable(),
  /** Why it failed, and what to do. */
  problem: serialisedErrorSchema.nullable(),
  /** Absolute path of the model, or of its first part; null until it is finished. */
  modelFile: z.string().nullable(),
  mmprojFile: z.string().nullable(),
  startedAt: z.number(),
  finishedAt: z.number().nullable(),
});

export type DownloadView = z.infer<typeof downloadViewSchema>;
