import { z } from 'zod';
import { numberedEventSchema } from './events.ts';
import { snapshotSchema } from './snapshot.ts';

/** What a subscribed window is sent over IPC: first the whole snapshot, then every event in the order of their numbers. */
export const windowMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), snapshot: snapshotSchema }),
  z.object({ type: z.literal('change'), change: numberedEventSchema }),
]);

export type WindowMessage = z.infer<typeof windowMessageSchema>;
