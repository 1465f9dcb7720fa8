import { z } from 'zod';
import {
  childTextField,
  commandField,
  durationField,
  environmentField,
  modelIdField,
  nonEmptyText,
  positiveDurationField,
  priorityField,
  proxyField,
} from './schema-fields.ts';

/** The schema of `defaults` and `models`. */

const contextSize = z.int().min(0);
const gpuLayers = z.union([z.int().min(0), z.enum(['auto', 'all'])], {
  error: 'must be a number of layers, auto or all',
});
const kvCacheType = z.string().regex(/^[a-z0-9_]+$/, 'must be a type such as f16, q8_0 or q4_0');
const positiveCount = z.int().min(1);

const queueMax = z.int().min(0);

export const defaultsSchema = z
  .strictObject({
    contextSize: contextSize
      .optional()
      .describe('Context size in tokens; 0 means what the model was trained with. Unset: what fits in memory.'),
    gpuLayers: gpuLayers
      .prefault('auto')
      .describe('Layers kept in GPU memory: a number, `auto` (as many as fit) or `all`.'),
    kvCacheType: kvCacheType.optional().describe('Type of the KV cache, such as f16, q8_0 or q4_0. Unset: f16.'),
    parallel: positiveCount
      .optional()
      .describe('Slots: requests a model computes at once. Unset: llama-server decides.'),
    concurrency: positiveCount
      .optional()
      .describe('Requests a model gets at once; the rest wait in the queue. Unset: as many as it has slots.'),
    args: z
      .array(childTextField)
      .prefault([])
      .describe('Arguments for llama-server, put before those of the model itself.'),
    env: environmentField
      .prefault({})
      .describe('Environment variables for every model, beside those Corral itself has.'),
    ttl: durationField.prefault('30m').describe('Idle time after which a model is unloaded; 0 means never.'),
    startTimeout: positiveDurationField.prefault('2m').describe('How long a model may take to become ready.'),
    answerTimeout: positiveDurationField
      .optional()
      .describe(
        'How long a model that starts may leave its health check without any answer; unset, until `startTimeout`.',
      ),
    stopGrace: durationField
      .prefault('10s')
      .describe('Time between asking a process to end and killing it; 0 kills it at once.'),
    queue: z
      .strictObject({
        max: queueMax.prefault(100).describe('Requests that may wait for one model; more are refused.'),
        maxWait: positiveDurationField.prefault('5m').describe('How long a request may wait before it is refused.'),
      })
      .prefault({})
      .describe('Limits of the queue of each model.'),
  })
  .describe('Values for all models; what a model says itself wins. `env` and `args` are combined.');

const filtersSchema = z
  .strictObject({
    strip: z.array(nonEmptyText).prefault([]).describe('Parameters removed from every request.'),
    set: z.record(z.string(), z.json()).prefault({}).describe('Parameters set in every request.'),
    setFor: z
      .record(modelIdField, z.record(z.string(), z.json()))
      .prefault({})
      .describe('Further parameters, by the id or alias that the request names the model by.'),
    model: nonEmptyText
      .optional()
      .describe(
        "The model's name in what is passed on, for servers that know it by another. Unset: as the client wrote it.",
      ),
  })
  .describe('Changes made to requests on their way to the model.');

/** Keys that only mean something where Corral builds the command line of llama-server. */
const fileModelShape = {
  file: nonEmptyText
    .optional()
    .describe('A GGUF file that Corral runs llama-server on. A model has either this or `command`.'),
  mmproj: nonEmptyText.optional().describe('The projector (a GGUF file) that lets the model take images or audio.'),
  contextSize: contextSize.optional().describe('Context size in tokens; 0 means what the model was trained with.'),
  gpuLayers: gpuLayers.optional().describe('Layers kept in GPU memory: a number, `auto` or `all`.'),
  kvCacheType: kvCacheType.optional().describe('Type of the KV cache, such as f16, q8_0 or q4_0.'),
  parallel: positiveCount.optional().describe('Slots: requests the model computes at once.'),
  embeddings: z.boolean().prefault(false).describe('The model makes embeddings.'),
  pooling: z
    .enum(['none', 'mean', 'cls', 'last', 'rank'])
    .optional()
    .describe('How embeddings are pooled. Unset: as the model says.'),
  rerank: z.boolean().prefault(false).describe('The model ranks documents.'),
  devices: z
    .array(nonEmptyText)
    .prefault([])
    .describe('Devices the model may use, such as CUDA0, as llama-server names them. Empty: all.'),
  args: z.array(childTextField).prefault([]).describe('Further arguments for llama-server, put last.'),
  rpc: z
    .array(nonEmptyText.regex(/^\S+:\d{1,5}$/, 'must be a host and a port, such as 10.0.0.5:50052'))
    .prefault([])
    .describe('llama.cpp RPC workers (`host:port`) the model is spread over. Trusted networks only.'),
  keepKvCache: z
    .boolean()
    .prefault(false)
    .describe('Save conversations when the model is unloaded and restore them when it comes back.'),
};

/** Keys that only mean something where the user wrote the command. */
const commandModelShape = {
  command: commandField
    .optional()
    .describe('The command of any OpenAI-compatible server; `${PORT}`, `${HOST}` and `${MODEL_ID}` are filled in.'),
  stopCommand: commandField
    .optional()
    .describe('Run before the process is told to end; `${PID}`, `${PORT}`, `${HOST}` and `${MODEL_ID}` are filled in.'),
  health: z
    .string()
    .regex(/^(none|\/\S*)$/, 'must be a path that starts with /, or none')
    .optional()
    .describe('A path that answers 200 once the server is ready, or `none`. Unset: /health.'),
  proxy: proxyField
    .optional()
    .describe(
      'Where the command answers, such as `http://127.0.0.1:8999`, if it has a port of its own. Models with one address are never loaded at once. Unset: a free port, filled in as `${PORT}`.',
    ),
  readyPattern: nonEmptyText
    .optional()
    .describe('A regular expression; a line of the output that matches means ready.'),
  firstPort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('`${PORT}` is the first free port from this one on. Unset: any free port.'),
  cwd: nonEmptyText.optional().describe('The folder the command runs in. Unset: the folder of this file.'),
};

export const fileModelKeys: readonly string[] = Object.keys(fileModelShape);
export const commandModelKeys: readonly string[] = Object.keys(commandModelShape);

export const modelSchema = z.strictObject({
  ...fileModelShape,
  ...commandModelShape,
  aliases: z.array(modelIdField).prefault([]).describe('Other names clients may use for the model.'),
  concurrency: positiveCount.optional().describe('Requests the model gets at once. Unset: as many as it has slots.'),
  queue: z
    .strictObject({
      max: queueMax.optional().describe('Requests that may wait for the model.'),
      maxWait: positiveDurationField.optional().describe('How long a request may wait.'),
    })
    .prefault({})
    .describe('Limits of the queue of the model.'),
  env: environmentField.prefault({}).describe('Environment variables for the process.'),
  ttl: durationField.optional().describe('Idle time after which the model is unloaded; 0 means never.'),
  startTimeout: positiveDurationField.optional().describe('How long the model may take to become ready.'),
  answerTimeout: positiveDurationField
    .optional()
    .describe('How long the start may leave the health check without any answer, such as that it loads.'),
  stopGrace: durationField.optional().describe('Time between asking the process to end and killing it.'),
  pinned: z.boolean().prefault(false).describe('Never unloaded to make room or for being idle.'),
  startup: z.boolean().prefault(false).describe('Loaded when Corral starts.'),
  priority: priorityField.prefault(0).describe('Higher is unloaded later and served first; 0 is normal.'),
  filters: filtersSchema.optional(),
  unlisted: z.boolean().prefault(false).describe('Leave the model out of `/v1/models`; it can be used all the same.'),
});

export type ParsedModel = z.output<typeof modelSchema>;
export type ParsedDefaults = z.output<typeof defaultsSchema>;

export const modelsSchema = z
  .record(modelIdField, modelSchema)
  .prefault({})
  .describe('The models, by the id clients use. Each has either `file` or `command`.');
