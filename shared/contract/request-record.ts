import { z } from 'zod';

/** One request as it is remembered: what it cost and how it ended, never what was asked or answered. */
export const requestRecordSchema = z.object({
  id: z.string(),
  /** When it arrived. */
  at: z.number(),
  modelId: z.string(),
  lane: z.string(),
  route: z.string(),
  isStreaming: z.boolean(),
  /** Waiting for a slot or for room. */
  queueWaitMs: z.number(),
  /** Waiting for the model to load. */
  loadWaitMs: z.number(),
  /** From arrival to the first byte of the answer's body; null if there was none. */
  ttftMs: z.number().nullable(),
  durationMs: z.number(),
  /** The status the client got; null if it went away before. */
  status: z.number().nullable(),
  promptTokens: z.number().nullable(),
  completionTokens: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  /** `model`: answered whole. `client`: it went away. `corral`: refused, cancelled, ejected, timed out. `crash`: the process broke off. */
  endedBy: z.enum(['model', 'client', 'corral', 'crash']),
  /** Corral's error code, if it ended with one. */
  errorCode: z.string().nullable(),
});

export type RequestRecord = z.infer<typeof requestRecordSchema>;
