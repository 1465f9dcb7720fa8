import { z } from 'zod';

/**
 * A configuration file of llama-swap, in its early form and in today's. Keys that neither knows are left alone, as llama-swap
 * does. Numbers may be written as `${env.NAME}`, which it replaces before it reads the file.
 */

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number or true or false' });
const text = scalar.transform(String);
const count = z.union([z.number(), z.string()], { error: 'must be a number' });
const flag = z.union([z.boolean(), z.string()], { error: 'must be true or false' });
const group = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value);
const parameters = group(z.unknown());
const macros = group(scalar);

const filters = z.looseObject({
  stripParams: z.union([text, z.array(text)]).optional(),
  /** The name in earlier versions. */
  strip_params: z.union([text, z.array(text)]).optional(),
  setParams: parameters.optional(),
  setParamsByID: group(parameters.optional()).optional(),
});

export const modelDocument = z.looseObject({
  cmd: z
    .string({ error: 'must be given: the command that starts the server' })
    .refine((command) => command.trim() !== '', 'must not be empty'),
  proxy: text.optional(),
  aliases: z.array(z.union([text, z.looseObject({ id: text, unlisted: flag.optional() })])).optional(),
  env: z.array(text).optional(),
  checkEndpoint: text.optional(),
  ttl: count.optional(),
  unloadTimeout: count.optional(),
  cmdStop: text.optional(),
  name: text.optional(),
  description: text.optional(),
  unlisted: flag.optional(),
  useModelName: text.optional(),
  macros: macros.optional(),
  filters: filters.optional(),
  metadata: parameters.optional(),
  concurrencyLimit: count.optional(),
  sendLoadingState: flag.optional(),
});

const groupDocument = z.looseObject({
  swap: flag.optional(),
  exclusive: flag.optional(),
  persistent: flag.optional(),
  members: z.array(text, { error: 'must be a list of model ids' }),
});

const matrixDocument = z.looseObject({
  vars: group(text).optional(),
  evict_costs: group(count).optional(),
  sets: group(text).optional(),
});

const routingDocument = z.looseObject({
  router: z
    .looseObject({
      use: text.optional(),
      settings: z
        .looseObject({ groups: group(groupDocument).optional(), matrix: matrixDocument.optional() })
        .optional(),
    })
    .optional(),
  scheduler: z
    .looseObject({
      settings: z.looseObject({ fifo: z.looseObject({ priority: group(count).optional() }).optional() }).optional(),
    })
    .optional(),
});

export const llamaSwapDocument = z.looseObject({
  healthCheckTimeout: count.optional(),
  globalTTL: count.optional(),
  unloadTimeout: count.optional(),
  logLevel: text.optional(),
  metricsMaxInMemory: count.optional(),
  startPort: count.optional(),
  sendLoadingState: flag.optional(),
  includeAliasesInList: flag.optional(),
  macros: macros.optional(),
  apiKeys: z.array(text).optional(),
  models: group(modelDocument).optional(),
  /** Lists of models in the early form, names that are pinned to models in today's. */
  profiles: group(z.union([z.array(text), z.looseObject({}), z.null()])).optional(),
  groups: group(groupDocument).optional(),
  matrix: matrixDocument.optional(),
  routing: routingDocument.optional(),
  hooks: z.looseObject({ on_startup: z.looseObject({ preload: z.array(text).optional() }).optional() }).optional(),
  peers: group(
    z.looseObject({
      proxy: text,
      apiKey: text.optional(),
      models: z.array(text, { error: 'must be a list of model ids' }),
    }),
  ).optional(),
});

export type LlamaSwapDocument = z.output<typeof llamaSwapDocument>;
export type LlamaSwapModel = z.output<typeof modelDocument>;
export type LlamaSwapGroup = z.output<typeof groupDocument>;
export type LlamaSwapMatrix = z.output<typeof matrixDocument>;

const earlyKeys = new Set(['healthCheckTimeout', 'models', 'profiles']);
const earlyModelKeys = new Set(['cmd', 'proxy', 'aliases', 'env', 'checkEndpoint', 'ttl']);

/** Whether a file says nothing that its early form did not know; its defaults are those of that form then. Pure. */
export function isEarlyForm(document: LlamaSwapDocument): boolean {
  const models = Object.values(document.models ?? {});
  return (
    Object.keys(document).every((key) => earlyKeys.has(key)) &&
    models.every((model) => Object.keys(model).every((key) => earlyModelKeys.has(key))) &&
    models.every(({ cmd, proxy }) => !cmd.includes('${') && proxy?.includes('${') !== true) &&
    Object.values(document.profiles ?? {}).every((profile) => Array.isArray(profile))
  );
}

/** In these, null means something, or is somebody else's business. */
const keepsNull = new Set(['setParams', 'setParamsByID', 'metadata', 'profiles']);

/**
 * What the file says once `<<: *anchor` is merged, as llama-swap's reader does it (what is written beside it wins), and keys
 * without a value are taken for not written. Pure.
 */
export function normaliseDocument(value: unknown, hasNulls = false): unknown {
  if (Array.isArray(value)) return value.map((entry) => normaliseDocument(entry, hasNulls));
  if (typeof value !== 'object' || value === null) return value;
  const { '<<': merged, ...own } = value as Record<string, unknown>;
  const entries = Object.entries(own)
    .filter(([, entry]) => hasNulls || entry !== null)
    .map(([key, entry]) => [key, normaliseDocument(entry, hasNulls || keepsNull.has(key))] as const);
  const sources = [merged].flat().map((source) => normaliseDocument(source, hasNulls));
  return Object.assign(
    {},
    ...sources.reverse().filter((source) => typeof source === 'object'),
    Object.fromEntries(entries),
  ) as unknown;
}
