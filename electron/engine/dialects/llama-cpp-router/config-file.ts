import { z } from 'zod';

/**
 * The configuration file of llama_cpp_router, as its source validates it (README and `config.example.json`); keys it does
 * not know are ignored there, and stay here so that the importer can tell of them.
 */

const cacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1'] as const;

const port = z.number().int().min(0).max(65_535);

/** A number of tokens, or `8k` for 8 × 1024. */
const contextSize = z
  .union([
    z.number().int().positive(),
    z
      .string()
      .regex(/^\d+k?$/i, 'must be a number of tokens, or one such as "8k"')
      .transform((text) => Number.parseInt(text, 10) * (/k$/i.test(text) ? 1024 : 1)),
  ])
  .prefault(4096);

const commonSchema = z.looseObject({
  cacheType: z.enum(cacheTypes).prefault('q8_0'),
  contextSize,
  threads: z.number().int().prefault(-1),
  nGpuLayers: z.number().int().prefault(99),
  noMmap: z.boolean().prefault(true),
  flashAttention: z.boolean().prefault(true),
  jinja: z.boolean().prefault(true),
});

const samplingSchema = z.looseObject({
  temperature: z.number().prefault(0.8),
  topK: z.number().int().prefault(40),
  topP: z.number().prefault(0.9),
  minP: z.number().prefault(0.1),
  repeatPenalty: z.number().prefault(1),
  mirostat: z.union([z.literal(0), z.literal(1), z.literal(2)]).prefault(2),
});

const modelSchema = z.looseObject({
  modelFilePath: z.string().min(1),
  multimodalProjectorFilePath: z.string().min(1).nullable().prefault(null),
  unloadable: z.boolean().prefault(true),
  embeddings: z.boolean().prefault(false),
  pooling: z.enum(['none', 'mean', 'cls', 'last', 'rank']).prefault('none'),
  common: commonSchema.prefault({}),
  sampling: samplingSchema.prefault({}),
  network: z.looseObject({ host: z.string().min(1).prefault('127.0.0.1'), port }),
});

export const configFileSchema = z
  .looseObject({
    owner: z.string(),
    unloadDuration: z.number().prefault(30),
    concurrentModels: z.number().int().prefault(2),
    system: z
      .looseObject({
        llamaServer: z.string().min(1).prefault('llama-server'),
        ggufParser: z.string().min(1).prefault('gguf-parser'),
        rocmSmi: z.string().min(1).prefault('rocm-smi'),
      })
      .prefault({}),
    server: z.looseObject({ hostname: z.string().min(1).prefault('0.0.0.0'), port: port.prefault(8080) }).prefault({}),
    models: z.record(z.string().min(1), modelSchema),
  })
  .superRefine(({ models }, context) => {
    const owners = new Map<string, string>();
    for (const [id, { network }] of Object.entries(models)) {
      const place = `${network.host}:${network.port}`;
      const owner = owners.get(place);
      if (owner !== undefined) {
        context.addIssue({
          code: 'custom',
          path: ['models', id, 'network'],
          message: `Duplicate host:port ${place}, already used by model "${owner}"`,
        });
      } else owners.set(place, id);
    }
  });

export type ConfigFile = z.output<typeof configFileSchema>;
export type ConfigFileModel = ConfigFile['models'][string];

/** What Corral understands in `server` beyond the program's own keys, so that a file can be served with a key or a token. */
export const corralServerKeys = [
  'apiKeys',
  'adminToken',
  'allowRemoteConfig',
  'allowedHosts',
  'allowedOrigins',
] as const;
