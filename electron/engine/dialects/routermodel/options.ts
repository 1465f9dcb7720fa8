import { z } from 'zod';
import { modelIdField, portField } from '../../config/schema-fields.ts';

/** What a listener that speaks RouterModelCustom's language has to know beyond the models themselves. */
export const routerModelOptionsSchema = z.strictObject({
  statusPort: portField
    .optional()
    .describe('Also answer `/status` at this port of 127.0.0.1, as the standalone status server does.'),
  keepWarm: z
    .int()
    .min(0)
    .prefault(0)
    .describe('Of how many models used lately each is loaded again every five minutes, if there is room.'),
  contextSizes: z.record(modelIdField, z.int().min(1)).prefault({}).describe('`n_ctx` in the list of models, by id.'),
});

export type RouterModelOptions = z.output<typeof routerModelOptionsSchema>;
