import { z } from 'zod';
import { dialectNames } from '../dialects/dialect-names.ts';
import { defaultsSchema, modelsSchema } from './schema-models.ts';
import { poolsSchema } from './schema-pools.ts';
import {
  bytesField,
  DEFAULT_PORT,
  durationField,
  hostField,
  httpUrlField,
  modelIdField,
  nonEmptyText,
  originField,
  portField,
  positiveDurationField,
  priorityField,
  secretField,
  sizeField,
} from './schema-fields.ts';

/**
 * The shape of the configuration file: every key with its meaning and its default. Checks that concern several keys at
 * once are in `cross-checks.ts`; what this version does not act on yet is listed in `not-yet-effective.ts`.
 */

const serverSchema = z
  .strictObject({
    host: hostField
      .prefault('127.0.0.1')
      .describe('The address to listen on; `localhost` means 127.0.0.1 and ::1. Others than loopback need `apiKeys`.'),
    port: portField.prefault(DEFAULT_PORT).describe('The port to listen on; 0 picks a free one.'),
    apiKeys: z
      .array(
        z.strictObject({
          name: nonEmptyText.describe('The name of the lane, shown in the queue.'),
          key: secretField.describe('What the client sends. Better kept outside of the file: `${env.NAME}`.'),
          priority: priorityField.prefault(0).describe('Higher is served first; 0 is normal.'),
          concurrency: z
            .int()
            .min(1)
            .optional()
            .describe('Requests of the lane that may run at once. Unset: no limit.'),
          models: z.array(modelIdField).optional().describe('Ids the lane may use. Unset: all.'),
          waitingComments: z.boolean().prefault(true).describe('Send comments on streams while their request waits.'),
        }),
      )
      .prefault([])
      .describe('Keys for clients; each is a lane with a name, a priority and limits.'),
    adminToken: secretField.optional().describe('The token for `/control`. Unset: only the one made at each start.'),
    allowedOrigins: z.array(originField).prefault([]).describe('Web pages that may call Corral, as origins.'),
    allowedHosts: z
      .array(hostField)
      .prefault([])
      .describe('Further names under which Corral may be addressed (the `Host` header).'),
    allowRemoteConfig: z
      .boolean()
      .prefault(false)
      .describe('Lets holders of the admin token change commands and paths over HTTP.'),
    maxBodyBytes: bytesField
      .refine((bytes) => bytes >= 1024, 'must be at least 1KiB')
      .prefault('64MiB')
      .describe('The largest request that is accepted.'),
    remoteImages: z
      .enum(['refuse', 'fetch', 'allow'])
      .prefault('refuse')
      .describe(
        'Requests that name a picture by its address: refuse them, let Corral fetch it (from public addresses only), or let the server of the model fetch whatever it is told to.',
      ),
    timeouts: z
      .strictObject({
        request: positiveDurationField
          .prefault('5m')
          .describe('For reading a request, headers and body, from the client.'),
        connect: positiveDurationField.prefault('10s').describe('For connecting to the process of a model.'),
        response: durationField.prefault(0).describe('For the first byte of an answer; 0 waits for ever.'),
        idle: durationField.prefault(0).describe('For silence within an answer; 0 waits for ever.'),
        shutdown: durationField.prefault('10s').describe('For answers still running when Corral is asked to stop.'),
      })
      .prefault({})
      .describe('How long Corral waits.'),
  })
  .prefault({})
  .describe('The address Corral answers on, and who may use it.');

const engineSchema = z
  .strictObject({
    path: nonEmptyText.prefault('auto').describe('The llama-server to use, or `auto`: found on PATH, else downloaded.'),
    autoInstall: z.boolean().prefault(true).describe('Download llama-server when a model needs it and none is found.'),
    channel: z.enum(['stable', 'latest']).prefault('stable').describe('Which llama.cpp builds to follow.'),
    variant: z
      .enum(['auto', 'cuda', 'rocm', 'vulkan', 'metal', 'cpu'])
      .prefault('auto')
      .describe('Which kind of build to use; `auto` probes the machine.'),
    origin: httpUrlField
      .prefault('https://api.github.com/repos/ggml-org/llama.cpp')
      .describe('Where releases of llama.cpp come from.'),
    keep: z.int().min(1).prefault(2).describe('Builds kept on disk, so that one can go back.'),
  })
  .prefault({})
  .describe('The llama.cpp build that runs models with `file`.');

const memorySchema = z
  .strictObject({
    policy: z
      .enum(['evict-lru', 'reject'])
      .prefault('evict-lru')
      .describe('When there is no room: unload what was used least recently, or refuse the request.'),
    reserve: sizeField.prefault('1GiB').describe('Memory of each device that is left to other programs.'),
    budgets: z
      .record(nonEmptyText, sizeField)
      .prefault({})
      .describe('The most that models may use of a device, by its name (`CUDA0`, `RAM`).'),
    maxLoaded: z
      .int()
      .min(1)
      .optional()
      .describe('Models that may be loaded at once. Unset: as many as fit in memory.'),
    kvCache: z
      .strictObject({
        folder: nonEmptyText.optional().describe('Where saved conversations are kept. Unset: in the data folder.'),
        maxSize: sizeField.prefault('8GiB').describe('The most they may use on disk.'),
      })
      .prefault({})
      .describe('Conversations saved for models with `keepKvCache`.'),
    gameMode: z
      .strictObject({
        requests: z.enum(['hold', 'refuse']).prefault('hold').describe('What becomes of new requests meanwhile.'),
        automatic: z.boolean().prefault(false).describe('Switch it on when other programs take much GPU memory.'),
      })
      .prefault({})
      .describe('Game mode unloads everything until it is switched off.'),
  })
  .prefault({})
  .describe('What may be in memory at once.');

const schedulerSchema = z
  .strictObject({
    fairnessBound: durationField
      .prefault('1s')
      .describe(
        'How long a request may be overtaken by younger ones for a model that is already loaded. A model that was just loaded keeps its place for that long, or as long as its load took.',
      ),
    maxQueued: z.int().min(0).prefault(1000).describe('Requests that may wait over all models.'),
    defaultModel: modelIdField
      .optional()
      .describe('The model for requests that name none; it comes back when all others are idle.'),
    waitingComments: z
      .strictObject({
        enabled: z.boolean().prefault(true).describe('Send comments on streams while their request waits.'),
        after: durationField.prefault('2s').describe('Silence before the first one.'),
        interval: positiveDurationField.prefault('5s').describe('Time between two.'),
      })
      .prefault({})
      .describe('Comments (`: queued 2/5`) that keep clients and proxies from giving up on a stream.'),
  })
  .prefault({})
  .describe('Who waits for what.');

const setSchema = z.strictObject({
  models: z.array(modelIdField).min(1, 'must name at least one model').describe('The members, by id.'),
  load: z
    .enum(['together', 'on-demand'])
    .prefault('on-demand')
    .describe('Load all members with the first, or each when it is needed.'),
  exclusive: z.boolean().prefault(false).describe('Nothing else stays loaded beside this set.'),
  evictsOthers: z
    .boolean()
    .prefault(false)
    .describe('Loading a member unloads everything outside of the set; what is loaded later may stay beside it.'),
  oneAtATime: z.boolean().prefault(false).describe('The members take turns: only one of them is loaded at a time.'),
  persistent: z
    .boolean()
    .prefault(false)
    .describe('Sets that are `exclusive` or have `evictsOthers` leave its members loaded.'),
  byName: z
    .boolean()
    .prefault(false)
    .describe(
      'The members stay together only while they are asked for as `set/model`; by its own id each comes alone.',
    ),
});

const catalogSchema = z
  .strictObject({
    folders: z.array(nonEmptyText).prefault([]).describe('Folders searched for GGUF files.'),
    huggingFaceCache: z.boolean().prefault(true).describe('Look into the cache of Hugging Face.'),
    ollama: z.boolean().prefault(false).describe('Look into the models of Ollama.'),
    lmStudio: z.boolean().prefault(false).describe('Look into the models of LM Studio.'),
    huggingFace: z
      .strictObject({
        origin: httpUrlField
          .optional()
          .describe('Where models are downloaded from. Unset: `HF_ENDPOINT`, else https://huggingface.co.'),
        parallelFiles: z.int().min(1).max(16).prefault(3).describe('Files that are downloaded at once.'),
      })
      .prefault({})
      .describe('Downloads from Hugging Face.'),
  })
  .prefault({})
  .describe('Where models on disk are found without being listed here.');

const listenerSchema = z.strictObject({
  dialect: z
    .enum(dialectNames)
    .describe('The program whose endpoints it speaks; `native` is a further address for the API without `/control`.'),
  host: hostField.prefault('127.0.0.1').describe('The address to listen on. Others than loopback need `apiKeys`.'),
  port: portField.describe('The port to listen on; 0 picks a free one.'),
  options: z.record(z.string(), z.json()).prefault({}).describe('What that program can be told besides, by its names.'),
});

export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors; Corral ignores it.'),
  server: serverSchema,
  engine: engineSchema,
  defaults: defaultsSchema.prefault({}),
  memory: memorySchema,
  scheduler: schedulerSchema,
  models: modelsSchema,
  sets: z
    .record(nonEmptyText, setSchema)
    .prefault({})
    .describe('Models that belong together, addressed as `set/model`.'),
  pools: poolsSchema,
  catalog: catalogSchema,
  listeners: z
    .array(listenerSchema)
    .prefault([])
    .describe('Further addresses that speak the language of another program.'),
  telemetry: z
    .strictObject({
      maxRecords: z.int().min(0).prefault(1000).describe('Records of requests kept in memory.'),
      maxFileSize: sizeField.prefault('64MiB').describe('The most their file may use on disk; 0 writes none.'),
      capture: z.boolean().prefault(false).describe('Keep prompts and answers too.'),
    })
    .prefault({})
    .describe('What is remembered about requests.'),
  updates: z
    .strictObject({
      channel: z.enum(['stable', 'beta', 'off']).prefault('stable').describe('Which versions of Corral to install.'),
    })
    .prefault({})
    .describe('Updates of the desktop app.'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).prefault('info').describe('The least important lines kept.'),
    })
    .prefault({})
    .describe("Corral's own log."),
});

export type ParsedConfig = z.output<typeof configSchema>;
