import { z } from 'zod';
import { downloadViewSchema } from './downloads.ts';
import { memoryViewSchema } from './memory.ts';
import {
  engineStatusSchema,
  instanceViewSchema,
  modelViewSchema,
  poolViewSchema,
  queueEntryViewSchema,
} from './snapshot.ts';

/** What changed. Each event carries the new value whole, so that applying one twice does no harm. */
export const eventBodySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('model-changed'), model: modelViewSchema }),
  /** The list itself changed: models came or went. */
  z.object({ type: z.literal('models-changed'), models: z.array(modelViewSchema) }),
  z.object({ type: z.literal('queue-changed'), queue: z.array(queueEntryViewSchema) }),
  z.object({ type: z.literal('pools-changed'), pools: z.array(poolViewSchema) }),
  z.object({ type: z.literal('memory-changed'), memory: memoryViewSchema }),
  z.object({ type: z.literal('engine-changed'), engine: engineStatusSchema }),
  z.object({ type: z.literal('instance-changed'), instance: instanceViewSchema }),
  z.object({ type: z.literal('downloads-changed'), downloads: z.array(downloadViewSchema) }),
  /** There is more to read in a log; its lines are fetched with `read-logs`. */
  z.object({ type: z.literal('log-appended'), source: z.string(), lastLine: z.number() }),
  /** Requests ended; they are fetched with `list-requests`. `total` counts all since Corral started. */
  z.object({ type: z.literal('requests-recorded'), total: z.number() }),
]);

export type EventBody = z.infer<typeof eventBodySchema>;

/** Events are numbered without gaps; a client that sees one asks for a new snapshot. */
export const numberedEventSchema = z.object({ sequence: z.number(), event: eventBodySchema });

export type NumberedEvent = z.infer<typeof numberedEventSchema>;
