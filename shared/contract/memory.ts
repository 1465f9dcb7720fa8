import { z } from 'zod';

/** Memory as it is shown: devices, who holds what of them, and what a load would take and do. Sizes are in bytes. */

const bytesByDevice = z.record(z.string(), z.number());

export const deviceViewSchema = z.object({
  /** As llama-server names it: `CUDA0`; `RAM` is system memory. */
  id: z.string(),
  name: z.string(),
  /** `unified`: a GPU without memory of its own. */
  kind: z.enum(['gpu', 'unified', 'ram']),
  totalBytes: z.number(),
  /** Null where the device does not tell. */
  freeBytes: z.number().nullable(),
  /** What all models together may use. */
  budgetBytes: z.number(),
  usedByOthersBytes: z.number(),
  /** What is reserved for each model, from the decision to load it until its memory was seen to come back. */
  models: z.array(z.object({ model: z.string(), bytes: z.number() })),
  /** The tool that tells of it failed since; what is here is what it said last. */
  isStale: z.boolean(),
  problem: z.string().nullable(),
});

export type DeviceView = z.infer<typeof deviceViewSchema>;

export const memoryViewSchema = z.object({
  /** Empty until the first reading. */
  devices: z.array(deviceViewSchema),
  isGameMode: z.boolean(),
});

export type MemoryView = z.infer<typeof memoryViewSchema>;

export const needViewSchema = z.object({
  /** A run of the same, llama-server's own forecast, the file's metadata, or nowhere. */
  source: z.enum(['measured', 'forecast', 'estimate', 'unknown']),
  /** In GPU memory when all layers are there, and in system memory then. */
  offloadedBytes: z.number(),
  hostBytes: z.number(),
  /** In system memory without a GPU. */
  cpuBytes: z.number(),
  /** Tokens, where Corral chose them. */
  contextSize: z.number().nullable(),
});

/** What is known of earlier loads with the same file, arguments, devices and build. */
export const needHistorySchema = z.object({
  /** What was expected, and what it came to; null if it never became ready. */
  predictedBytes: bytesByDevice,
  measuredBytes: bytesByDevice.nullable(),
  /** The last five, oldest first. */
  loadTimesMs: z.array(z.number()),
  tokensPerSecond: z.number().nullable(),
});

export type NeedView = z.infer<typeof needViewSchema>;

export const loadPlanViewSchema = z.object({
  model: z.string(),
  isLoaded: z.boolean(),
  /** `fits`: at once; `evicts`: once those in `ejects` are gone; `waits`: for what is busy; `no-room`: not by waiting. */
  outcome: z.enum(['fits', 'evicts', 'waits', 'no-room', 'unknown']),
  need: needViewSchema.nullable(),
  /** Where it would go. */
  placement: bytesByDevice,
  /** What is free for models now. */
  freeBytes: bytesByDevice,
  ejects: z.array(z.object({ model: z.string(), reason: z.string(), bytes: bytesByDevice })),
  keeps: z.array(z.string()),
  waitsFor: z.array(z.string()),
  /** From history, else guessed by size; null if nobody knows. */
  expectedLoadMs: z.number().nullable(),
  /** Why there is no room. */
  problem: z.string().nullable(),
});

export type LoadPlanView = z.infer<typeof loadPlanViewSchema>;

export const memoryHistorySchema = z.object({
  /** The time between two samples while Corral runs undisturbed; a longer one is a gap (suspended, or nobody looked). */
  intervalMs: z.number(),
  /** Oldest first. */
  samples: z.array(
    z.object({
      at: z.number(),
      devices: z.record(
        z.string(),
        z.object({ usedByOthersBytes: z.number(), models: z.record(z.string(), z.number()) }),
      ),
    }),
  ),
});

export type MemoryHistory = z.infer<typeof memoryHistorySchema>;
