import { z } from 'zod';
import { formatPath, type ConfigIssue } from '../../config/config-issue.ts';
import { explainZodIssues } from '../../config/explain-zod-issues.ts';

/** RouterModelCustom's `config.json`: its keys with the constraints and defaults of its tables. */

const wholeNumber = (least: number, most: number): z.ZodInt => z.int().min(least).max(most);

export const cacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1'] as const;

const cacheType = z.enum(cacheTypes).prefault('f16');

const systemSchema = z.looseObject({
  llama_server_path: z.string().min(1, 'must not be empty').nullish(),
  max_concurrent_models: wholeNumber(1, 10).prefault(3),
  idle_timeout_sec: wholeNumber(60, 86_400).prefault(300),
  request_timeout_sec: wholeNumber(30, 3600).prefault(300),
  gpu_devices: z.array(z.int().min(0)).nullish(),
  parallel_requests: wholeNumber(1, 32).prefault(4),
  cpu_threads: wholeNumber(1, 64).prefault(8),
  use_mmap: z.boolean().prefault(true),
  flash_attention: z.enum(['on', 'off', 'auto']).prefault('on'),
  max_queue_size_per_model: wholeNumber(10, 1000).prefault(100),
  queue_timeout_sec: wholeNumber(30, 600).prefault(300),
  preload_models: z.array(z.string()).prefault([]),
  preload_delay_sec: z.number().min(0).prefault(30),
  min_vram_required: z.number().min(0).prefault(500),
  vram_multiplier: z.number().min(0).prefault(1.1),
  keep_warm_models: z.int().min(0).nullish(),
});

const apiSchema = z.looseObject({
  host: z.string().min(1, 'must not be empty').prefault('0.0.0.0'),
  port: wholeNumber(1024, 65_535).prefault(8000),
  cors_origins: z.array(z.string()).prefault(['http://localhost:3000']),
});

const paramsSchema = z.looseObject({
  n_gpu_layers: z.int().min(-1).prefault(99),
  // The README says 4096 to 8192, the program checks for these.
  n_ctx: wholeNumber(512, 131_072).prefault(4096),
  n_batch: wholeNumber(8, 512).prefault(8),
  embedding: z.boolean().prefault(false),
  type_k: cacheType,
  type_v: cacheType,
  rope_freq_base: z.number().min(0).nullish(),
  chat_template: z.string().nullish(),
  parallel_override: wholeNumber(1, 32).nullish(),
  batch_override: wholeNumber(8, 512).nullish(),
});

const modelSchema = z.looseObject({
  model_path: z
    .string()
    .min(1, 'must not be empty')
    .regex(/\.gguf$/i, 'must end with .gguf'),
  params: paramsSchema.prefault({}),
});

const appConfigSchema = z.looseObject({
  system: systemSchema.prefault({}),
  api: apiSchema.prefault({}),
  models: z.record(z.string(), modelSchema).prefault({}),
});

export type AppConfig = z.output<typeof appConfigSchema>;
export type AppModel = AppConfig['models'][string];

export type AppConfigResult =
  { readonly ok: true; readonly config: AppConfig } | { readonly ok: false; readonly errors: readonly ConfigIssue[] };

/** Every mistake at once, with its path; values are not repeated. Pure. */
export function readAppConfig(document: unknown): AppConfigResult {
  const parsed = appConfigSchema.safeParse(document);
  if (parsed.success) return { ok: true, config: parsed.data };
  const errors = explainZodIssues(parsed.error.issues, document);
  return { ok: false, errors: errors.map(({ segments, message }) => ({ path: formatPath(segments), message })) };
}

const knownKeys = {
  file: Object.keys(appConfigSchema.shape),
  system: Object.keys(systemSchema.shape),
  api: Object.keys(apiSchema.shape),
  model: Object.keys(modelSchema.shape),
  params: Object.keys(paramsSchema.shape),
} as const;

/** Paths of the keys that the program would not have read either. */
export function unknownAppKeys(document: unknown): string[] {
  const unknown: string[] = [];
  const look = (value: unknown, known: readonly string[], at: readonly string[]): void => {
    for (const key of Object.keys(asGroup(value))) if (!known.includes(key)) unknown.push(formatPath([...at, key]));
  };
  const file = asGroup(document);
  look(file, knownKeys.file, []);
  look(file['system'], knownKeys.system, ['system']);
  look(file['api'], knownKeys.api, ['api']);
  for (const [alias, model] of Object.entries(asGroup(file['models']))) {
    look(model, knownKeys.model, ['models', alias]);
    look(asGroup(model)['params'], knownKeys.params, ['models', alias, 'params']);
  }
  return unknown;
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}
