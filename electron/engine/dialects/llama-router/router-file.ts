import { z } from 'zod';
import { formatPath, type ConfigIssue } from '../../config/config-issue.ts';
import { explainZodIssues } from '../../config/explain-zod-issues.ts';

/**
 * The file of llama-router (`~/.config/llama.cpp/router-config.json`), with that program's defaults. Keys it does not know
 * are kept out of the way here; the importer names them.
 */

export interface RouterSpawn {
  readonly command: readonly [string, ...string[]];
  /** Beginnings of the paths that are passed on; empty means all. */
  readonly proxyEndpoints: readonly string[];
  readonly healthEndpoint: string;
}

export interface RouterModel {
  readonly name: string;
  readonly path: string;
  readonly state: 'auto' | 'manual';
  /** Empty: a group of its own. */
  readonly group: string;
  readonly spawn: RouterSpawn;
}

export interface RouterFile {
  readonly host: string;
  readonly port: number;
  readonly basePort: number;
  readonly connectionTimeoutSeconds: number;
  readonly readTimeoutSeconds: number;
  /** Not llama-router's own: it waits for a minute, whatever the file says. */
  readonly readyTimeoutSeconds: number;
  /** Until the health check is answered at all. */
  readonly answerTimeoutSeconds: number;
  /** Empty: none. */
  readonly adminToken: string;
  /** Empty: none. */
  readonly startupModel: string;
  readonly hasSwapNotices: boolean;
  readonly models: readonly RouterModel[];
}

export const DEFAULT_SPAWN: RouterSpawn = {
  command: ['llama-server', '--ctx-size', '4096', '--n-gpu-layers', '99'],
  proxyEndpoints: ['/v1/', '/health', '/slots', '/props'],
  healthEndpoint: '/health',
};

/**
 * Its README says ten seconds, its program waits for a minute: a server that loads says so meanwhile, and has the minute; one
 * that says nothing has the ten seconds.
 */
const DEFAULT_READY_TIMEOUT_SECONDS = 60;
const DEFAULT_ANSWER_TIMEOUT_SECONDS = 10;

const word = z.union([z.string(), z.number()], { error: 'must be text' }).transform(String);

const pathField = z.string().regex(/^\//, 'must start with /');

/** Older files have the words of the command alone. */
const spawnSchema = z.preprocess(
  (written) => (Array.isArray(written) ? { command: written as unknown[] } : written),
  z.looseObject({
    command: z
      .array(word)
      .refine((words) => (words[0] ?? '') !== '', 'must name a program first')
      .transform((words) => words as [string, ...string[]])
      .optional(),
    proxy_endpoints: z.array(pathField).optional(),
    health_endpoint: pathField.optional(),
  }),
);

const seconds = z.number().min(0);

const routerSchema = z.looseObject({
  host: z.string().min(1, 'must not be empty').prefault('127.0.0.1'),
  port: z.int().min(0).max(65_535).prefault(8082),
  base_port: z.int().min(1).max(65_535).prefault(50_000),
  connection_timeout_s: seconds.prefault(5),
  read_timeout_s: seconds.prefault(600),
  ready_timeout_s: z.number().min(1).optional(),
  admin_token: z
    .string()
    .regex(/^[\x21-\x7e]*$/, 'may only contain visible ASCII characters, no spaces')
    .prefault(''),
  startup_model: z.string().optional(),
  notify_model_swap: z.boolean().optional(),
});

const modelSchema = z.looseObject({
  name: z.string().min(1, 'must not be empty'),
  path: z.string().min(1, 'must not be empty'),
  state: z.enum(['auto', 'manual']).prefault('manual'),
  group: z.string().nullish(),
  spawn: spawnSchema.nullish(),
});

const fileSchema = z.looseObject({
  version: z.union([z.string(), z.number()]).optional(),
  router: routerSchema.prefault({}),
  default_spawn: spawnSchema.optional(),
  models: z.array(modelSchema).prefault([]),
  // They stood at the top in some versions.
  startup_model: z.string().optional(),
  notify_model_swap: z.boolean().optional(),
});

export type RouterFileResult =
  { readonly ok: true; readonly file: RouterFile } | { readonly ok: false; readonly errors: readonly ConfigIssue[] };

/** Every mistake at once, with its path; values are not repeated. Pure. */
export function readRouterFile(document: unknown): RouterFileResult {
  const parsed = fileSchema.safeParse(document);
  if (!parsed.success) {
    const errors = explainZodIssues(parsed.error.issues, document);
    return { ok: false, errors: errors.map(({ segments, message }) => ({ path: formatPath(segments), message })) };
  }
  const { router, default_spawn: ownSpawn, models, ...rest } = parsed.data;
  const defaultSpawn = withDefaults(ownSpawn, DEFAULT_SPAWN);
  return {
    ok: true,
    file: {
      host: router.host,
      port: router.port,
      basePort: router.base_port,
      connectionTimeoutSeconds: router.connection_timeout_s,
      readTimeoutSeconds: router.read_timeout_s,
      readyTimeoutSeconds: router.ready_timeout_s ?? DEFAULT_READY_TIMEOUT_SECONDS,
      answerTimeoutSeconds: router.ready_timeout_s ?? DEFAULT_ANSWER_TIMEOUT_SECONDS,
      adminToken: router.admin_token,
      startupModel: router.startup_model ?? rest.startup_model ?? '',
      hasSwapNotices: router.notify_model_swap ?? rest.notify_model_swap ?? false,
      models: models.map(({ name, path, state, group, spawn }) => ({
        name,
        path,
        state,
        group: group ?? '',
        spawn: withDefaults(spawn ?? undefined, defaultSpawn),
      })),
    },
  };
}

function withDefaults(spawn: z.output<typeof spawnSchema> | undefined, defaults: RouterSpawn): RouterSpawn {
  return {
    command: spawn?.command ?? defaults.command,
    proxyEndpoints: spawn?.proxy_endpoints ?? defaults.proxyEndpoints,
    healthEndpoint: spawn?.health_endpoint ?? defaults.healthEndpoint,
  };
}

const knownKeys = {
  file: Object.keys(fileSchema.shape),
  router: Object.keys(routerSchema.shape),
  model: Object.keys(modelSchema.shape),
  spawn: ['command', 'proxy_endpoints', 'health_endpoint'],
} as const;

/** Paths of the keys that llama-router would not have read either. */
export function unknownRouterKeys(document: unknown): string[] {
  const unknown: string[] = [];
  const look = (value: unknown, known: readonly string[], at: readonly (string | number)[]): void => {
    for (const key of Object.keys(asGroup(value))) if (!known.includes(key)) unknown.push(formatPath([...at, key]));
  };
  const file = asGroup(document);
  look(file, knownKeys.file, []);
  look(file['router'], knownKeys.router, ['router']);
  look(file['default_spawn'], knownKeys.spawn, ['default_spawn']);
  const models = Array.isArray(file['models']) ? (file['models'] as unknown[]) : [];
  models.forEach((model, index) => {
    look(model, knownKeys.model, ['models', index]);
    look(asGroup(model)['spawn'], knownKeys.spawn, ['models', index, 'spawn']);
  });
  return unknown;
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}

/** What the first run writes. */
export function newRouterFile(): Record<string, unknown> {
  return {
    version: '1.0',
    router: {
      host: '127.0.0.1',
      port: 8082,
      base_port: 50_000,
      connection_timeout_s: 5,
      read_timeout_s: 600,
      admin_token: '',
    },
    default_spawn: {
      command: DEFAULT_SPAWN.command,
      proxy_endpoints: DEFAULT_SPAWN.proxyEndpoints,
      health_endpoint: DEFAULT_SPAWN.healthEndpoint,
    },
    models: [],
  };
}
