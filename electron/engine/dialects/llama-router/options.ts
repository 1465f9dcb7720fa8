import { z } from 'zod';
import { modelIdField, secretField } from '../../config/schema-fields.ts';

/** What a listener that speaks llama-router's language has to know beyond the models themselves. */
export const llamaRouterOptionsSchema = z.strictObject({
  adminToken: secretField.optional().describe("Opens `/admin/`, beside Corral's own admin token."),
  notifyModelSwap: z.boolean().prefault(false).describe('Say in streams which model is being loaded.'),
  models: z
    .record(
      modelIdField,
      z.strictObject({
        group: z.string().prefault('').describe('The group it is shown with. Empty: its own.'),
        proxyEndpoints: z
          .array(z.string().regex(/^\//, 'must start with /'))
          .prefault([])
          .describe('Beginnings of the paths that are passed on. Empty: all.'),
      }),
    )
    .prefault({})
    .describe('What is particular to a model, by its id.'),
});

export type LlamaRouterOptions = z.output<typeof llamaRouterOptionsSchema>;
