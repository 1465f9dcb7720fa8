import { formatPath, type ConfigIssue } from '../../config/config-issue.ts';
import { originField } from '../../config/schema-fields.ts';
import type { ForeignResult, ImportEntry } from '../foreign-format.ts';
import { entriesOfWritten } from '../import-account.ts';
import { literal } from '../literal.ts';
import { readAppConfig, unknownAppKeys, type AppConfig, type AppModel } from './app-config.ts';
import type { RouterModelOptions } from './options.ts';

/** What the meaning of the file, and whether it can be served, depends on besides its text. */
export interface AppSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the paths that `pathsOf` names: what is there. */
  readonly paths: ReadonlyMap<string, 'file' | 'executable' | 'missing'>;
  /** Whether this machine has NVIDIA's driver, whose devices the numbers of the file mean. */
  readonly hasNvidia: boolean;
}

/** Paths that the file's own program insists on, as they are written there or in `LLAMA_SERVER_PATH`. Pure. */
export function pathsOf(document: unknown, env: AppSurroundings['env']): readonly string[] {
  const result = readAppConfig(document);
  if (!result.ok) return [];
  const server = serverPath(result.config, env);
  return [...(server === undefined ? [] : [server]), ...Object.values(result.config.models).map((m) => m.model_path)];
}

function serverPath({ system }: AppConfig, env: AppSurroundings['env']): string | undefined {
  return system.llama_server_path ?? (env['LLAMA_SERVER_PATH'] === '' ? undefined : env['LLAMA_SERVER_PATH']);
}

type Say = (path: string, outcome: ImportEntry['outcome'], note: string, to?: string) => void;

/** The same as native configuration, and what became of each key. Pure. */
export function importAppConfig(
  document: unknown,
  surroundings: Pick<AppSurroundings, 'env' | 'hasNvidia'>,
): ForeignResult {
  const result = readAppConfig(document);
  if (!result.ok) return result;
  const { config } = result;
  const errors = checkPreload(config);
  if (errors.length > 0) return { ok: false, errors };

  const report: ImportEntry[] = unknownAppKeys(document).map((path) => ({
    path,
    outcome: 'dropped',
    note: 'RouterModelCustom knows no such key',
  }));
  const say: Say = (path, outcome, note, to) => {
    report.push({ path, outcome, note, ...(to === undefined ? {} : { to }) });
  };
  const { system, api } = config;
  const server = serverPath(config, surroundings.env);
  if (server === undefined) {
    say('system.llama_server_path', 'approximated', 'not given: Corral looks on the PATH, else fetches one');
  } else say('system.llama_server_path', 'mapped', 'engine.path', 'engine.path');
  const devices = gpuDevices(config, surroundings, say);
  say('api.host', 'mapped', 'listeners[0].host', 'listeners[0].host');
  say('api.port', 'mapped', 'listeners[0].port', 'listeners[0].port');
  const isOrigin = (origin: string): boolean => originField.safeParse(origin).success;
  const origins = api.cors_origins.filter(isOrigin);
  if (origins.length === api.cors_origins.length) {
    say('api.cors_origins', 'mapped', 'server.allowedOrigins', 'server.allowedOrigins');
  } else
    say('api.cors_origins', 'approximated', 'pages are allowed by name only: what is no single origin was left out');
  saySystem(say, system);

  const isPreloaded = (alias: string): boolean =>
    system.preload_models.includes('*') || system.preload_models.includes(alias);
  const options: RouterModelOptions = {
    keepWarm: system.keep_warm_models ?? 0,
    contextSizes: Object.fromEntries(Object.entries(config.models).map(([alias, { params }]) => [alias, params.n_ctx])),
  };
  const models = Object.fromEntries(
    Object.entries(config.models).map(([alias, model]) => [
      alias,
      {
        ...importModel(formatPath(['models', alias]), model, system, say),
        ...(devices.length === 0 ? {} : { devices }),
        ...(isPreloaded(alias) ? { startup: true } : {}),
      },
    ]),
  );
  return {
    ok: true,
    report: entriesOfWritten(document, report),
    document: config,
    native: {
      server: {
        allowedOrigins: origins.map(literal),
        maxBodyBytes: '10MiB',
        timeouts: { response: `${system.request_timeout_sec}s`, idle: `${system.request_timeout_sec}s` },
      },
      ...(server === undefined ? {} : { engine: { path: literal(server) } }),
      memory: { policy: 'reject', maxLoaded: system.max_concurrent_models },
      defaults: {
        ttl: `${system.idle_timeout_sec}s`,
        queue: { max: system.max_queue_size_per_model, maxWait: `${system.queue_timeout_sec}s` },
        args: sharedArgs(system),
      },
      models,
      listeners: [{ dialect: 'routermodel', host: api.host, port: api.port, options }],
    },
  };
}

/** The files that the program insists on. Pure. */
export function checkAppFiles(
  document: unknown,
  { env, paths }: Pick<AppSurroundings, 'env' | 'paths'>,
): ConfigIssue[] {
  const result = readAppConfig(document);
  if (!result.ok) return [];
  const { config } = result;
  const errors: ConfigIssue[] = [];
  const server = serverPath(config, env);
  const atServer =
    config.system.llama_server_path === undefined || config.system.llama_server_path === null
      ? 'LLAMA_SERVER_PATH'
      : 'system.llama_server_path';
  if (server !== undefined) {
    const kind = paths.get(server) ?? 'missing';
    if (kind === 'missing') errors.push({ path: atServer, message: 'must be a file that exists' });
    else if (kind === 'file') errors.push({ path: atServer, message: 'must be a file that this user may run' });
  }
  for (const [alias, { model_path: modelPath }] of Object.entries(config.models)) {
    if ((paths.get(modelPath) ?? 'missing') !== 'missing') continue;
    errors.push({ path: formatPath(['models', alias, 'model_path']), message: 'must be a file that exists' });
  }
  return errors;
}

function checkPreload({ system, models }: AppConfig): ConfigIssue[] {
  return system.preload_models.flatMap((alias, index): ConfigIssue[] =>
    alias === '*' || Object.hasOwn(models, alias)
      ? []
      : [{ path: `system.preload_models[${index}]`, message: 'is not a key of `models`' }],
  );
}

/** The numbers are NVIDIA's; without its driver they mean nothing here. */
function gpuDevices({ system }: AppConfig, { hasNvidia }: Pick<AppSurroundings, 'hasNvidia'>, say: Say): string[] {
  const numbers = system.gpu_devices ?? [];
  if (numbers.length === 0) {
    say('system.gpu_devices', 'approximated', 'not given: models go to the GPUs that have room');
    return [];
  }
  if (!hasNvidia) {
    say('system.gpu_devices', 'approximated', 'this machine has no NVIDIA driver: models go where there is room');
    return [];
  }
  say('system.gpu_devices', 'mapped', 'models.*.devices');
  return numbers.map((number) => `CUDA${number}`);
}

function saySystem(say: Say, system: AppConfig['system']): void {
  say('system.max_concurrent_models', 'mapped', 'memory.maxLoaded, memory.policy: reject', 'memory.maxLoaded');
  say('system.idle_timeout_sec', 'mapped', 'defaults.ttl', 'defaults.ttl');
  say('system.request_timeout_sec', 'mapped', 'server.timeouts.response and server.timeouts.idle');
  say('system.parallel_requests', 'mapped', 'models.*.parallel');
  say('system.cpu_threads', 'mapped', 'defaults.args, as --threads');
  say('system.use_mmap', 'mapped', 'defaults.args');
  say('system.flash_attention', 'mapped', 'defaults.args, as --flash-attn');
  say('system.max_queue_size_per_model', 'mapped', 'defaults.queue.max', 'defaults.queue.max');
  say('system.queue_timeout_sec', 'mapped', 'defaults.queue.maxWait', 'defaults.queue.maxWait');
  if (system.preload_models.length > 0) {
    say('system.preload_models', 'mapped', 'models.*.startup');
    say('system.preload_delay_sec', 'approximated', 'they are loaded at once, as memory allows');
  }
  say('system.min_vram_required', 'approximated', 'memory.reserve: what a model needs is measured, not guessed');
  say('system.vram_multiplier', 'dropped', 'what a model needs is measured, not guessed');
  if ((system.keep_warm_models ?? 0) > 0) say('system.keep_warm_models', 'mapped', 'listeners[0].options.keepWarm');
}

/** In the words of the builds this was written for; Corral translates them for the one that runs. */
function sharedArgs(system: AppConfig['system']): string[] {
  return [
    '--mlock',
    '--context-shift',
    '--threads',
    String(system.cpu_threads),
    '--flash-attn',
    system.flash_attention,
    ...(system.use_mmap ? [] : ['--no-mmap']),
  ];
}

function importModel(
  at: string,
  { model_path: modelPath, params }: AppModel,
  system: AppConfig['system'],
  say: Say,
): Record<string, unknown> {
  say(`${at}.model_path`, 'mapped', 'file', `${at}.file`);
  say(`${at}.params`, 'mapped', 'contextSize, gpuLayers, parallel, embeddings, kvCacheType and args');
  const isOneType = params.type_k === params.type_v;
  const batchSize = params.batch_override ?? params.n_batch;
  const ropeBase = params.rope_freq_base ?? undefined;
  const template = params.chat_template ?? undefined;
  return {
    file: literal(modelPath),
    contextSize: params.n_ctx,
    gpuLayers: params.n_gpu_layers === -1 ? 'all' : params.n_gpu_layers,
    parallel: params.parallel_override ?? system.parallel_requests,
    ...(params.embedding ? { embeddings: true } : {}),
    ...(isOneType ? { kvCacheType: params.type_k } : {}),
    args: [
      '--batch-size',
      String(batchSize),
      ...(isOneType ? [] : ['--cache-type-k', params.type_k, '--cache-type-v', params.type_v]),
      ...(ropeBase === undefined ? [] : ['--rope-freq-base', String(ropeBase)]),
      ...(template === undefined ? [] : ['--chat-template', literal(template)]),
    ],
  };
}
