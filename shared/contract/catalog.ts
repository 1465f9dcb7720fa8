import { z } from 'zod';
import { modelOrigins } from './snapshot.ts';

/** What is known of model files and llama.cpp builds on this machine. Sizes are in bytes. */

export const catalogModelSchema = z.object({
  /** The id it is configured under. */
  id: z.string(),
  isDemo: z.boolean(),
  origin: z.enum(modelOrigins),
  /** Corral downloaded it, and no configuration names it: `delete-model` deletes its files. */
  canDelete: z.boolean(),
  file: z.string(),
  mmproj: z.string().nullable(),
  /** Null if the file could not be read; `problem` says why. */
  metadata: z
    .object({
      name: z.string().nullable(),
      architecture: z.string(),
      kind: z.enum(['language', 'embedding', 'rerank', 'projector', 'adapter']),
      /** The tensor type that most of the bytes have, such as `q4_k`. */
      quantization: z.string(),
      /** All parts of a split file together. */
      fileBytes: z.number(),
      partCount: z.number(),
      layerCount: z.number(),
      /** Tokens. */
      trainedContextSize: z.number(),
    })
    .nullable(),
  problem: z.string().nullable(),
});

export type CatalogModel = z.infer<typeof catalogModelSchema>;

export const catalogBuildSchema = z.object({
  id: z.string(),
  executable: z.string(),
  origin: z.enum(['config', 'path', 'installed']),
  /** What it calls itself, such as `b6123`; null if it did not say. */
  version: z.string().nullable(),
  /** Where Corral fetched it from; null if it did not. */
  source: z.string().nullable(),
  installedAt: z.number().nullable(),
  /** The one models are started with. */
  isInUse: z.boolean(),
});

export type CatalogBuild = z.infer<typeof catalogBuildSchema>;

export const catalogViewSchema = z.object({
  /** Models with a file; those with a command of their own are not in it. */
  models: z.array(catalogModelSchema),
  builds: z.array(catalogBuildSchema),
});

export type CatalogView = z.infer<typeof catalogViewSchema>;
