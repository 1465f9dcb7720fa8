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
  stripParams: z.union([text, z.array(text)]).nullish(),
  /** The name in earlier versions. */
  strip_params: z.union([text, z.array(text)]).nullish(),
  setParams: parameters.nullish(),
  setParamsByID: group(parameters.nullish()).nullish(),
});

export const modelDocument = z.looseObject({
  cmd: z
    .string({ error: 'must be given: the command that starts the server' })
    .refine((command) => command.trim() !== '', 'must not be empty'),
  proxy: text.nullish(),
  aliases: z.array(z.union([text, z.looseObject({ id: text, unlisted: flag.nullish() })])).nullish(),
  env: z.array(text).nullish(),
  checkEndpoint: text.nullish(),
  ttl: count.nullish(),
  unloadTimeout: count.nullish(),
  cmdStop: text.nullish(),
  name: text.nullish(),
  description: text.nullish(),
  unlisted: flag.nullish(),
  useModelName: text.nullish(),
  macros: macros.nullish(),
  filters: filters.nullish(),
  metadata: parameters.nullish(),
  concurrencyLimit: count.nullish(),
  sendLoadingState: flag.nullish(),
});

const groupDocument = z.looseObject({
  swap: flag.nullish(),
  exclusive: flag.nullish(),
  persistent: flag.nullish(),
  members: z.array(text, { error: 'must be a list of model ids' }),
});

const matrixDocument = z.looseObject({
  vars: group(text).nullish(),
  evict_costs: group(count).nullish(),
  sets: group(text).nullish(),
});

const routingDocument = z.looseObject({
  router: z
    .looseObject({
      use: text.nullish(),
      settings: z.looseObject({ groups: group(groupDocument).nullish(), matrix: matrixDocument.nullish() }).nullish(),
    })
    .nullish(),
  scheduler: z
    .looseObject({
      settings: z.looseObject({ fifo: z.looseObject({ priority: group(count).nullish() }).nullish() }).nullish(),
    })
    .nullish(),
});

export const llamaSwapDocument = z.looseObject({
  healthCheckTimeout: count.nullish(),
  globalTTL: count.nullish(),
  unloadTimeout: count.nullish(),
  logLevel: text.nullish(),
  metricsMaxInMemory: count.nullish(),
  startPort: count.nullish(),
  sendLoadingState: flag.nullish(),
  includeAliasesInList: flag.nullish(),
  macros: macros.nullish(),
  apiKeys: z.array(text).nullish(),
  models: group(modelDocument).nullish(),
  /** Lists of models in the early form, names that are pinned to models in today's. */
  profiles: group(z.union([z.array(text), z.looseObject({}), z.null()])).nullish(),
  groups: group(groupDocument).nullish(),
  matrix: matrixDocument.nullish(),
  routing: routingDocument.nullish(),
  hooks: z.looseObject({ on_startup: z.looseObject({ preload: z.array(text).nullish() }).nullish() }).nullish(),
  peers: group(
    z.looseObject({
      proxy: text,
      apiKey: text.nullish(),
      models: z.array(text, { error: 'must be a list of model ids' }),
    }),
  ).nullish(),
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

/** `<<: *anchor`, as YAML 1.1 and llama-swap's reader merge it; what is written beside it wins. Pure. */
export function mergeAnchors(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mergeAnchors);
  if (typeof value !== 'object' || value === null) return value;
  const { '<<': merged, ...own } = value as Record<string, unknown>;
  const entries = Object.entries(own).map(([key, entry]) => [key, mergeAnchors(entry)] as const);
  const sources = (Array.isArray(merged) ? merged : [merged]).map(mergeAnchors).reverse();
  return Object.assign(
    {},
    ...sources.filter((source) => typeof source === 'object'),
    Object.fromEntries(entries),
  ) as unknown;
}
