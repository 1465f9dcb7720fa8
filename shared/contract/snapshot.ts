import { z } from 'zod';
import { modelStateSchema } from '../model/model-state.ts';
import { downloadViewSchema } from './downloads.ts';
import { serialisedErrorSchema } from './errors.ts';
import { memoryViewSchema, needHistorySchema, needViewSchema } from './memory.ts';

/**
 * All that a window, tray or CLI may show. Times ending in `At` are wall-clock milliseconds since 1970, so that they
 * survive a transport; ages are computed by whoever shows them.
 */

export const exitViewSchema = z.object({
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  at: z.number(),
  /** Who asked for it; null for an exit nobody asked for. */
  askedBy: z.string().nullable(),
});

export const modelOrigins = ['config', 'demo', 'folder', 'hugging-face', 'ollama', 'lm-studio'] as const;

export type ModelOrigin = (typeof modelOrigins)[number];

export const modelViewSchema = z.object({
  id: z.string(),
  aliases: z.array(z.string()),
  kind: z.enum(['file', 'command']),
  isDemo: z.boolean(),
  /** Where it comes from: the configuration, or a place on disk where it was found. */
  origin: z.enum(modelOrigins),
  state: modelStateSchema,
  /** 0 to 1 while loading, where the log tells it. */
  loadProgress: z.number().nullable(),
  /** What a model in `starting` waits for, in words. */
  detail: z.string().nullable(),
  isPinned: z.boolean(),
  /** Requests being answered now. */
  activeRequests: z.number(),
  /** Requests that wait for this model. */
  waitingRequests: z.number(),
  /** Requests it gets at once; null until that is known. */
  concurrency: z.number().nullable(),
  contextSize: z.number().nullable(),
  pid: z.number().nullable(),
  /** The socket path or `host:port` of its process. */
  address: z.string().nullable(),
  /** The command line of its process, without secrets. */
  commandLine: z.array(z.string()).nullable(),
  stateSince: z.number(),
  lastUsedAt: z.number().nullable(),
  /** From spawn to ready, of the last successful start. */
  lastLoadMs: z.number().nullable(),
  /** Why the last start failed or the last process died; null once it is ready again. */
  problem: serialisedErrorSchema.nullable(),
  lastExit: exitViewSchema.nullable(),
  warnings: z.array(z.string()),
  /** What loading it takes; null until that was asked for. */
  need: needViewSchema.nullable(),
  /** Null if it was never loaded as it is configured, or that was not looked up. */
  needHistory: needHistorySchema.nullable(),
  /** What is reserved for it, by device. */
  reservedBytes: z.record(z.string(), z.number()),
});

export type ModelView = z.infer<typeof modelViewSchema>;

export const waitReasons = ['slot', 'load', 'room', 'restart-delay', 'lane', 'eject', 'game-mode'] as const;

export const queueEntryViewSchema = z.object({
  id: z.string(),
  modelId: z.string(),
  lane: z.string(),
  priority: z.number(),
  /** What it waits for: a free slot, the load, room for the load, a restart delay, its lane's limit, an eject, game mode. */
  waitsFor: z.enum(waitReasons),
  /** The same in words, with what is in the way: `slot of qwen3: 2 of 2 busy`. */
  reason: z.string(),
  /** 1 is next. */
  position: z.number(),
  /** Its age is the time since then. */
  enqueuedAt: z.number(),
  /** From the moment of the snapshot or event, by how long loads and requests of the model took lately; null if unknown. */
  expectedWaitMs: z.number().nullable(),
});

export type QueueEntryView = z.infer<typeof queueEntryViewSchema>;

export const engineStatusSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('searching') }),
  z.object({
    status: z.literal('installing'),
    step: z.string(),
    receivedBytes: z.number().optional(),
    totalBytes: z.number().optional(),
  }),
  z.object({
    status: z.literal('ready'),
    build: z.object({ id: z.string(), executable: z.string(), origin: z.enum(['config', 'path', 'installed']) }),
  }),
  z.object({ status: z.literal('missing'), reason: z.string(), hint: z.string() }),
]);

export const poolViewSchema = z.object({
  name: z.string(),
  sticky: z.enum(['none', 'user']),
  /** Pairs of user and model that are remembered. */
  stickyUsers: z.number(),
  /** Requests that wait for one of its endpoints. */
  waitingRequests: z.number(),
  endpoints: z.array(
    z.object({
      /** Its base address, without its key. */
      url: z.string(),
      /** `loading`: it is there and asks for patience; `unknown`: not checked yet. */
      health: z.enum(['unknown', 'healthy', 'loading', 'down']),
      /** Why it cannot be used; null while it can. */
      problem: z.string().nullable(),
      /** It refused a request lately, and is chosen last for a while. */
      isResting: z.boolean(),
      /** Requests of this Corral that it answers now. */
      activeRequests: z.number(),
      /** Requests it gets at once; null: no limit. */
      concurrency: z.number().nullable(),
      /** Requests it was chosen for since Corral started. */
      servedRequests: z.number(),
      /** Models it lists; null until its list was read, or if it has none. */
      modelCount: z.number().nullable(),
      checkedAt: z.number().nullable(),
    }),
  ),
});

export type PoolView = z.infer<typeof poolViewSchema>;

const configIssueSchema = z.object({ path: z.string(), message: z.string() });

export const instanceViewSchema = z.object({
  version: z.string(),
  pid: z.number(),
  startedAt: z.number(),
  /** The OpenAI-compatible base address, such as `http://127.0.0.1:5526`. */
  address: z.string(),
  configPath: z.string().nullable(),
  configWarnings: z.array(configIssueSchema),
  /** Why the newest version of the file is not in use; empty if it is. */
  configErrors: z.array(configIssueSchema),
  dataFolder: z.string(),
  /** Null: only memory limits them. */
  maxLoaded: z.number().nullable(),
  isShuttingDown: z.boolean(),
});

export const snapshotSchema = z.object({
  /** The number of the last event this snapshot includes. */
  sequence: z.number(),
  instance: instanceViewSchema,
  engine: engineStatusSchema,
  models: z.array(modelViewSchema),
  queue: z.array(queueEntryViewSchema),
  /** Servers elsewhere, in the order of the configuration. */
  pools: z.array(poolViewSchema),
  memory: memoryViewSchema,
  /** Those that run, are paused or failed, and what was finished lately; the oldest first. */
  downloads: z.array(downloadViewSchema),
});

export type InstanceView = z.infer<typeof instanceViewSchema>;
export type EngineStatusView = z.infer<typeof engineStatusSchema>;
export type Snapshot = z.infer<typeof snapshotSchema>;
