import { z } from 'zod';
import type { ErrorCode } from '#shared/contract/errors.ts';
import { modelIdField } from '../../config/schema-fields.ts';
import type { DialectFacts } from '../dialect-facts.ts';
import { textEnvelope } from '../error-envelope.ts';

export const optionsSchema = z.strictObject({
  includeAliasesInList: z.boolean().prefault(false).describe('List aliases as models of their own.'),
  models: z
    .record(
      modelIdField,
      z.strictObject({
        name: z.string().optional(),
        description: z.string().optional(),
        metadata: z.record(z.string(), z.json()).optional(),
        unlistedAliases: z.array(modelIdField).prefault([]),
        concurrencyLimit: z
          .number()
          .int()
          .min(1)
          .optional()
          .describe('Requests at this address beyond so many that run or wait are refused. Unset: they wait.'),
        sendLoadingState: z
          .boolean()
          .optional()
          .describe('Send comments on streams while they wait. Unset: as `scheduler.waitingComments.enabled` says.'),
      }),
    )
    .prefault({})
    .describe('What the list of models tells of each, and what holds for it at this address.'),
});

export type LlamaSwapOptions = z.output<typeof optionsSchema>;

/** The model's process could not be had. */
const failedStarts: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'start-failed',
  'model-failed',
  'engine-missing',
  'no-room',
]);

export const llamaSwapFacts: DialectFacts = {
  optionsSchema,
  errors: textEnvelope(
    ({ code, message }) => (failedStarts.has(code) ? `unable to start process: ${message}` : message),
    ({ code, status }) => {
      if (failedStarts.has(code)) return 500;
      return code === 'method-not-allowed' ? 404 : code === 'upstream-timeout' ? 502 : status;
    },
  ),
};
