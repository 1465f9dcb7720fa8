import { z } from 'zod';
import { commandNames, commands, type CommandName } from '#shared/contract/commands.ts';
import { serialisedErrorSchema } from '#shared/contract/errors.ts';
import { numberedEventSchema } from '#shared/contract/events.ts';
import { modelViewSchema, queueEntryViewSchema, snapshotSchema } from '#shared/contract/snapshot.ts';
import { requestRecordSchema } from '#shared/contract/request-record.ts';

/** What `GET /control/openapi.json` answers and docs/openapi.json holds: an OpenAPI 3.1 description of Corral's own endpoints. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly unknown[];
  readonly tags: readonly unknown[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: OpenApiContent }>>;
  readonly [field: string]: unknown;
}

export type OpenApiContent = Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>>;

const healthSchema = z.object({ status: z.enum(['ok', 'shutting down']) });

/** What Corral does not know is left out. */
const listedFactsSchema = z.looseObject({
  state: z.string(),
  aliases: z.array(z.string()),
  context_size: z.int().optional().describe('Tokens, of one that was loaded.'),
  size_bytes: z.int().optional().describe('All its files together.'),
  modalities: z
    .object({ input: z.array(z.string()), output: z.array(z.string()) })
    .optional()
    .describe('Such as text, image and audio; text, embeddings or scores.'),
});

const listedModelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int().describe('Seconds since 1970.'),
  owned_by: z.string(),
  corral: listedFactsSchema.describe('What Corral adds to OpenAI’s fields.'),
});

const modelListSchema = z.object({ object: z.literal('list'), data: z.array(listedModelSchema) });

const apiErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
    source: z.literal('corral').optional().describe('Missing on errors of a model’s own server.'),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
});

const controlErrorSchema = z.object({ error: serialisedErrorSchema });

/** Names that clients generated from the description will have for what comes up in several places. */
const namedSchemas: readonly (readonly [string, z.ZodType])[] = [
  ['Health', healthSchema],
  ['ListedModel', listedModelSchema],
  ['ModelList', modelListSchema],
  ['ApiError', apiErrorSchema],
  ['ControlError', controlErrorSchema],
  ['Snapshot', snapshotSchema],
  ['Model', modelViewSchema],
  ['QueueEntry', queueEntryViewSchema],
  ['RequestRecord', requestRecordSchema],
  ['Event', numberedEventSchema],
];

/** What is worth saying of a command besides its name. */
const notes: Partial<Readonly<Record<CommandName, string>>> = {
  'get-snapshot': 'Everything, at one moment.',
  'load-model': 'Answers once the model is ready; fails as a request for it would.',
  'eject-model': 'Answers once the process is gone.',
  'pin-model': 'Keeps a model from being ejected to make room or for being idle, until unpinned or restart.',
  'reset-model': 'Forgets past failures, so that the next request starts the model again.',
  'plan-load': 'What loading the model would take and do now; nothing happens.',
  'set-game-mode': 'Unloads everything, and loads nothing until it is switched off.',
  'cancel-request': 'Takes a waiting request out of the queue.',
  'update-settings': 'Changes the configuration file, comments and order kept, and applies it.',
  'read-settings': 'The configuration file as it is, with secrets masked, and its JSON Schema.',
  'preview-settings': 'What `update-settings` with the same edits would write and do; nothing happens.',
  'read-catalog': 'What is known of model files and llama.cpp builds on this machine.',
  'read-memory-history': 'Who held how much of each device over the last hour.',
  'list-requests': 'The newest requests, newest first: what they cost and how they ended.',
  'read-logs': 'Lines of a model’s log, or of Corral’s own with source `corral`.',
};

/** Builds the description from the contract. Pure. */
export function openApiDocument(): OpenApiDocument {
  const requests = z.registry<{ id: string }>();
  const responses = z.registry<{ id: string }>();
  for (const [id, schema] of namedSchemas) responses.add(schema, { id });
  for (const name of commandNames) {
    const { request, response } = commands[name];
    // Commands may share a schema; the first one names it.
    if (!requests.has(request)) requests.add(request, { id: `${pascal(name)}Request` });
    if (!responses.has(response)) responses.add(response, { id: `${pascal(name)}Response` });
  }
  const ref = (registry: typeof requests, schema: z.ZodType): Record<string, unknown> => ({
    $ref: reference(registry.get(schema)?.id ?? ''),
  });
  const json = (schema: z.ZodType): OpenApiContent => ({ 'application/json': { schema: ref(responses, schema) } });
  const failure = (schema: z.ZodType) => ({ description: 'Why not.', content: json(schema) });

  const commandPaths = Object.fromEntries(
    commandNames.map((name) => {
      const { request, response } = commands[name];
      const operation: OpenApiOperation = {
        operationId: camel(name),
        summary: sentence(name),
        ...(notes[name] === undefined ? {} : { description: notes[name] }),
        tags: ['control'],
        security: [{ adminToken: [] }],
        requestBody: { required: true, content: { 'application/json': { schema: ref(requests, request) } } },
        responses: {
          200: { description: 'Done.', content: json(response) },
          default: failure(controlErrorSchema),
        },
      };
      return [`/control/commands/${name}`, { post: operation }];
    }),
  );

  const models = (operationId: string): OpenApiOperation => ({
    operationId,
    summary: 'The models that the key may use',
    tags: ['models'],
    security: [{}, { apiKey: [] }],
    responses: {
      200: { description: 'All of them.', content: json(modelListSchema) },
      default: failure(apiErrorSchema),
    },
  });

  return {
    openapi: '3.1.1',
    info: {
      title: 'Corral',
      version: '1',
      summary: 'Corral’s own endpoints.',
      description:
        'The routes of OpenAI, Anthropic and llama-server that Corral passes on to models are those of llama-server; ' +
        'docs/api.md lists them.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:5526' }],
    tags: [
      { name: 'control', description: 'The contract of the window and the command line.' },
      { name: 'models', description: 'What can be asked for.' },
      { name: 'health', description: 'For monitoring.' },
    ],
    paths: {
      '/health': {
        get: {
          operationId: 'health',
          summary: 'Whether Corral runs; says nothing of models and starts none',
          tags: ['health'],
          security: [{}],
          responses: { 200: { description: 'It runs.', content: json(healthSchema) } },
        },
      },
      '/metrics': {
        get: {
          operationId: 'metrics',
          summary: 'Figures for Prometheus',
          tags: ['health'],
          security: [{}, { apiKey: [] }],
          responses: {
            200: {
              description: 'In the text format of Prometheus.',
              content: { 'text/plain': { schema: { type: 'string' } } },
            },
            default: failure(apiErrorSchema),
          },
        },
      },
      '/v1/models': { get: models('listModels') },
      '/models': { get: models('listModelsAlias') },
      '/v1/models/{id}': {
        get: {
          operationId: 'readModel',
          summary: 'One model, by its id, alias or set/model',
          tags: ['models'],
          security: [{}, { apiKey: [] }],
          parameters: [
            {
              name: 'id',
              in: 'path',
              required: true,
              description: 'May hold slashes, as they are.',
              schema: { type: 'string' },
            },
          ],
          responses: {
            200: { description: 'The model.', content: json(listedModelSchema) },
            default: failure(apiErrorSchema),
          },
        },
      },
      ...commandPaths,
      '/control/events': {
        get: {
          operationId: 'events',
          summary: 'Everything that changes, as server-sent events',
          description:
            'First an event `snapshot` with a Snapshot, then events `change` with an Event each, numbered without gaps.',
          tags: ['control'],
          security: [{ adminToken: [] }],
          responses: {
            200: {
              description: 'A stream without end.',
              content: {
                'text/event-stream': {
                  schema: {
                    type: 'string',
                    contentMediaType: 'application/json',
                    contentSchema: { anyOf: [ref(responses, snapshotSchema), ref(responses, numberedEventSchema)] },
                  },
                },
              },
            },
            default: failure(controlErrorSchema),
          },
        },
      },
      '/control/openapi.json': {
        get: {
          operationId: 'openapi',
          summary: 'This description',
          tags: ['control'],
          security: [{ adminToken: [] }],
          responses: {
            200: {
              description: 'In OpenAPI 3.1.',
              content: { 'application/json': { schema: { type: 'object' } } },
            },
            default: failure(controlErrorSchema),
          },
        },
      },
    },
    components: {
      schemas: { ...schemasOf(requests, 'input'), ...schemasOf(responses, 'output') },
      securitySchemes: {
        adminToken: {
          type: 'http',
          scheme: 'bearer',
          description: '`server.adminToken`, or the token of this start in `instance.json`.',
        },
        apiKey: { type: 'http', scheme: 'bearer', description: 'One of `server.apiKeys`, where there are any.' },
      },
    },
  };
}

function reference(id: string): string {
  return `#/components/schemas/${id}`;
}

/** How zod refers to schemas that contain themselves. */
const RECURSIVE = /#\/components\/schemas\/__shared#\/\$defs\/\w+/g;

function schemasOf(registry: ReturnType<typeof z.registry<{ id: string }>>, io: 'input' | 'output'): object {
  const { schemas } = z.toJSONSchema(registry, { io, uri: reference });
  const { __shared: shared, ...named } = schemas as Record<string, Record<string, unknown>>;
  const text = JSON.stringify(named).replaceAll(RECURSIVE, reference('JsonValue'));
  const entries = Object.entries(JSON.parse(text) as Record<string, Record<string, unknown>>).map(([id, schema]) => {
    // What a schema is called and which dialect it is in is said by where it stands.
    const kept = Object.entries(schema).filter(([key]) => !['$schema', '$id', 'id'].includes(key));
    return [id, Object.fromEntries(kept)] as const;
  });
  return { ...Object.fromEntries(entries), ...(shared === undefined ? {} : { JsonValue: recursiveSchema(shared) }) };
}

/** The one schema that contains itself, `z.json()`, which zod writes out anew for each place. */
function recursiveSchema(shared: Record<string, unknown>): unknown {
  const texts = Object.values(shared['$defs'] as object).map((definition) =>
    JSON.stringify(definition).replaceAll(RECURSIVE, reference('JsonValue')),
  );
  const [first = '{}'] = texts;
  if (texts.some((text) => text !== first)) throw new Error('A second recursive schema needs a name in openapi.ts.');
  return JSON.parse(first) as unknown;
}

function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z])/g, (_part, letter: string) => letter.toUpperCase());
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_part, letter: string) => letter.toUpperCase());
}

function sentence(name: string): string {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
