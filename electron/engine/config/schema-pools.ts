import { z } from 'zod';
import { durationField, httpUrlField, nonEmptyText, positiveDurationField, secretField } from './schema-fields.ts';

/** The schema of `pools`. */

const baseUrl = httpUrlField.refine((text) => {
  if (!URL.canParse(text)) return true; // Reported already.
  const { search, hash, username, password } = new URL(text);
  return search === '' && hash === '' && username === '' && password === '';
}, 'must be a base address without a query or a password; a key belongs into `apiKey`');

const endpointSchema = z.strictObject({
  url: baseUrl.describe('The base address of an OpenAI-compatible server, with or without `/v1` at its end.'),
  apiKey: secretField.optional().describe("The key that server wants. A client's own key is never passed on."),
  models: z
    .array(nonEmptyText)
    .min(1, 'must name at least one model, or be left out')
    .prefault(['*'])
    .describe('Ids it serves; `*` means all it lists.'),
  concurrency: z
    .int()
    .min(1)
    .optional()
    .describe('Requests it gets at once; the rest wait in the queue. Unset: no limit.'),
});

const poolSchema = z.strictObject({
  endpoints: z
    .array(endpointSchema)
    .min(1, 'must have at least one endpoint')
    .describe('The servers of the pool. One that is listed twice counts once.'),
  sticky: z
    .enum(['none', 'user'])
    .prefault('none')
    .describe(
      'Keep a user on the same endpoint for a model while it is healthy. The user is the `user` field of the request, else the name of its key; requests without either go where least is to do.',
    ),
  stickyTtl: positiveDurationField.prefault('30m').describe('How long a user who asks for nothing is remembered.'),
  maxSticky: z
    .int()
    .min(1)
    .max(1_000_000)
    .prefault(10_000)
    .describe('Pairs of user and model that are remembered; of more the one used least lately is forgotten.'),
  wildcard: z
    .enum(['listed', 'any'])
    .prefault('listed')
    .describe(
      'Which names `*` takes: `listed`, what no other pool lists is left to the first pool with `*`; `any`, all that stands by name in no pool.',
    ),
  queue: z
    .strictObject({
      max: z.int().min(0).optional().describe('Requests that may wait for the pool. Unset: as in `defaults`.'),
      maxWait: positiveDurationField.optional().describe('How long a request may wait. Unset: as in `defaults`.'),
    })
    .prefault({})
    .describe('Limits of the queue of the pool.'),
  health: z
    .strictObject({
      path: z
        .string()
        .regex(/^(none|\/\S*)$/, 'must be a path that starts with /, or none')
        .prefault('/health')
        .describe(
          'A path that answers 200 while the server is well, or `none`. Where there is nothing at it, the model list counts.',
        ),
      interval: positiveDurationField.prefault('15s').describe('Time between two checks of a server that is well.'),
      timeout: durationField
        .refine((ms) => ms > 0, 'must be longer than 0')
        .prefault('5s')
        .describe('How long connecting, and a check, may take.'),
    })
    .prefault({})
    .describe('How the servers are checked. One that is down is asked again after 1 s, then ever more rarely.'),
});

export const poolsSchema = z
  .record(nonEmptyText, poolSchema)
  .prefault({})
  .describe('Servers elsewhere that answer for models that are not in `models`, also as `pool/model`.');

export type ParsedPool = z.output<typeof poolSchema>;
