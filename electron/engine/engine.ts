import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import path from 'node:path';
import type { RequestHandler } from 'express';
import type { EjectMode, EjectOutcome, LogLine } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { InstanceView, ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { DEMO_MODEL_ID, demoModelConfig } from './catalog/demo-model-config.ts';
import { ensureDemoModel } from './catalog/demo-model.ts';
import { acquireDataFolderLock } from './config/data-folder-lock.ts';
import { removeInstanceFile, writeInstanceFile } from './config/instance-file.ts';
import { ensurePrivateFolder } from './config/private-folder.ts';
import type { ModelConfig, ResolvedConfig } from './config/resolved-config.ts';
import { isLoopbackHost } from './config/schema-fields.ts';
import { createEventFeed, type EventListener } from './event-feed.ts';
import { createCapabilitiesReader } from './llama/capabilities-reader.ts';
import { modelView } from './model-view.ts';
import { systemClock, type Clock } from './ports/clock.ts';
import type { LogLevel } from './ports/logger.ts';
import { openChildNets } from './process/child-nets.ts';
import { createLogStore } from './process/log-store.ts';
import { formatAddress } from './proxy/format-address.ts';
import { isSameSecret, presentedKey, type GuardPolicy } from './proxy/guards.ts';
import { openListeners, type Listeners } from './proxy/listeners.ts';
import { createProxyApp, type Mount } from './proxy/proxy-app.ts';
import { createDebianArchiveSource } from './runtimes/debian-archive.ts';
import { createEngines } from './runtimes/engines.ts';
import { createCountRoom } from './scheduler/room.ts';
import { createScheduler } from './scheduler/scheduler.ts';
import { createPortFinder } from './supervisor/free-port.ts';
import { createSupervisor } from './supervisor/supervisor.ts';
import { createAppLogger } from './telemetry/app-logger.ts';

export interface EngineOptions {
  readonly config: ResolvedConfig;
  readonly configWarnings: readonly { readonly path: string; readonly message: string }[];
  readonly version: string;
  readonly dataFolder: string;
  /** A folder for sockets, with a short path. */
  readonly runtimeFolder: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Hears every line of Corral's own log. */
  onLogLine?(level: LogLevel, line: string): void;
}

/** The whole product behind its transports. Made by `openEngine`; used by `api/` and the composition roots alone. */
export interface Engine {
  /** Serves requests below `prefix`, behind the Host and Origin guards. Only before `start`. */
  mount(prefix: string, handler: RequestHandler): void;
  /** Listens, and loads what is to be loaded at start. Throws `port-taken`. */
  start(): Promise<void>;
  /** Stops in order; a second call with `isHurried` cuts short what the first one waits for. */
  stop(options?: { isHurried?: boolean }): Promise<void>;
  address(): string;
  /** The token of this start, for programs of the same user. */
  readonly instanceToken: string;
  /** Undefined if the headers carry the admin or instance token, else why not. */
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  snapshot(): Snapshot;
  subscribe(listener: EventListener): () => void;
  /** Throws `not-found` for a name that is neither id nor alias. */
  resolveModel(name: string): string;
  model(modelId: string): ModelView;
  loadModel(modelId: string, signal: AbortSignal): Promise<void>;
  ejectModel(modelId: string, mode: EjectMode, signal: AbortSignal): Promise<EjectOutcome>;
  ejectAllModels(mode: EjectMode, signal: AbortSignal): Promise<EjectOutcome[]>;
  setPinned(modelId: string, isPinned: boolean): void;
  resetModel(modelId: string): void;
  /** Throws `not-found` if no waiting request has that id. */
  cancelRequest(requestId: string): void;
  /** Throws `not-found` for a source that is neither `corral` nor a model. */
  readLogs(source: string, after: number, limit: number): { lines: LogLine[]; hasEarlier: boolean };
}

/** The log source of Corral itself. */
const APP_LOG = 'corral';

/**
 * Brings the engine up to where it could listen: takes the data folder, ends what an earlier run left behind, and sets
 * every part up. Throws `already-running` if another Corral holds the data folder.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { config, dataFolder, runtimeFolder, platform, env } = options;
  const clock = options.clock ?? systemClock;
  const startedAt = clock.wallMs();
  const instanceToken = randomBytes(32).toString('base64url');
  const isKeyDemanded = !isLoopbackHost(config.server.host);
  /** What has to be undone, newest last. */
  const undo: (() => Promise<void>)[] = [];

  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };

  try {
    return await open();
  } catch (thrown) {
    await unwind();
    throw thrown;
  }

  async function open(): Promise<Engine> {
    await mkdir(dataFolder, { recursive: true });
    await ensurePrivateFolder(runtimeFolder, platform);
    undo.push(() => removeIfEmpty(runtimeFolder));
    const lock = await acquireDataFolderLock({ dataFolder, runtimeFolder, platform, pid: process.pid });
    undo.push(() => lock.release());

    const feed = createEventFeed(clock);
    undo.push(() => {
      feed.close();
      return Promise.resolve();
    });
    const logStore = createLogStore({
      folder: path.join(dataFolder, 'logs'),
      clock,
      onAppended: (source, lastLine) => {
        feed.mark(`log:${source}`, () => ({ type: 'log-appended', source, lastLine }));
      },
    });
    undo.push(() => logStore.close());
    const logger = createAppLogger({
      level: config.log.level,
      write(level, line) {
        logStore.append(APP_LOG, 'corral', line);
        options.onLogLine?.(level, line);
      },
    });

    const childNets = await openChildNets({ platform, dataFolder, logger });
    undo.push(() => childNets.close());
    if (platform !== 'win32') await removeStaleSockets(runtimeFolder);

    const models = await withDemoModel(config.models, dataFolder);
    const aliases = new Map([...models.values()].flatMap((model) => model.aliases.map((alias) => [alias, model.id])));
    const resolve = (name: string): string | undefined => (models.has(name) ? name : aliases.get(name));

    const engines = createEngines({
      config: config.engine,
      searchPath: env['PATH'] ?? env['Path'] ?? '',
      installFolder: path.join(dataFolder, 'engines'),
      sources: [createDebianArchiveSource({ env: { ...env } })],
      platform,
      logger,
      clock,
      onChange: () => feed.mark('engine', () => ({ type: 'engine-changed', engine: engines.status() })),
    });
    undo.push(() => engines.stop());

    const { readCapabilities } = createCapabilitiesReader();
    const supervisor = createSupervisor({
      models,
      clock,
      logger,
      logStore,
      connectTimeoutMs: config.server.timeouts.connectMs,
      platform,
      env,
      runtimeFolder,
      findFreePort: createPortFinder(),
      ensureEngine: (signal) => engines.ensureEngine(signal),
      readCapabilities,
      onSpawned: childNets.onSpawned,
      onGone: childNets.onGone,
    });
    undo.push(() => supervisor.stopAll('shutdown'));

    const scheduler = createScheduler({
      models,
      supervisor,
      clock,
      room: createCountRoom({ maxLoaded: config.memory.maxLoaded, canEvict: config.memory.policy === 'evict-lru' }),
      fairnessBoundMs: config.scheduler.fairnessBoundMs,
      maxQueued: config.scheduler.maxQueued,
      laneLimits: new Map(
        config.server.apiKeys.flatMap((key) => (key.concurrency === undefined ? [] : [[key.name, key.concurrency]])),
      ),
      onModelChanged: (modelId) =>
        feed.mark(`model:${modelId}`, () => ({ type: 'model-changed', model: viewOf(modelId) })),
      onQueueChanged: () => feed.mark('queue', () => ({ type: 'queue-changed', queue: scheduler.queue() })),
    });

    const guardPolicy: GuardPolicy = {
      allowedHosts: [...config.server.allowedHosts, config.server.host],
      allowedOrigins: config.server.allowedOrigins,
      apiKeys: config.server.apiKeys,
      isKeyDemanded,
    };
    const mounts: Mount[] = [];
    let listeners: Listeners | undefined;
    let stopping: Promise<void> | undefined;

    function viewOf(modelId: string): ModelView {
      const model = models.get(modelId);
      if (model === undefined) throw new AppError('not-found', `There is no model "${modelId}".`);
      return modelView(model, supervisor.process(modelId).view(), scheduler.counts(modelId), {
        isDemo: modelId === DEMO_MODEL_ID && !config.models.has(modelId),
      });
    }

    function instanceView(): InstanceView {
      return {
        version: options.version,
        pid: process.pid,
        startedAt,
        address: address(),
        configPath: config.filePath ?? null,
        configWarnings: options.configWarnings.map(({ path: where, message }) => ({ path: where, message })),
        dataFolder,
        maxLoaded: config.memory.maxLoaded,
        isShuttingDown: stopping !== undefined,
      };
    }

    function address(): string {
      return formatAddress(listeners?.host ?? config.server.host, listeners?.port ?? config.server.port);
    }

    function loadInBackground(modelId: string): void {
      scheduler.load(modelId, new AbortController().signal).catch((thrown: unknown) => {
        logger.log('warn', `Model "${modelId}" is to be loaded at start and was not: ${(thrown as Error).message}`);
      });
    }

    const app = (): RequestHandler =>
      createProxyApp({
        guardPolicy,
        clock,
        logger,
        maxBodyBytes: config.server.maxBodyBytes,
        responseTimeoutMs: config.server.timeouts.responseMs,
        idleTimeoutMs: config.server.timeouts.idleMs,
        resolveModel: resolve,
        listModels: () =>
          [...models.keys()].map((modelId) => {
            const { state, isDemo, contextSize, aliases: names } = viewOf(modelId);
            return {
              id: modelId,
              createdSeconds: Math.floor(startedAt / 1000),
              state,
              isDemo,
              contextSize,
              aliases: names,
            };
          }),
        isLoaded: (modelId) => supervisor.process(modelId).view().state === 'ready',
        isShuttingDown: () => stopping !== undefined,
        acquire: (request) => scheduler.acquire(request),
        explainLoss: (modelId) => supervisor.process(modelId).view().problem ?? undefined,
        mounts,
      });

    async function stopInOrder(): Promise<void> {
      feed.mark('instance', () => ({ type: 'instance-changed', instance: instanceView() }));
      logger.log('info', 'Shutting down');
      listeners?.stopAccepting();
      await scheduler.close(config.server.timeouts.shutdownMs);
      await supervisor.stopAll('shutdown');
      await unwind();
    }

    return {
      instanceToken,
      address,
      mount: (prefix, handler) => void mounts.push({ prefix, handler }),

      async start() {
        listeners = await openListeners({
          host: config.server.host,
          port: config.server.port,
          handler: app() as unknown as Parameters<typeof openListeners>[0]['handler'],
          requestTimeoutMs: config.server.timeouts.requestMs,
        });
        const opened = listeners;
        undo.push(() => opened.close());
        await writeInstanceFile(dataFolder, { pid: process.pid, address: address(), token: instanceToken, startedAt });
        undo.push(() => removeInstanceFile(dataFolder));
        logger.log('info', `Listening on ${address()}`, { models: models.size });
        if ([...models.values()].some((model) => model.kind === 'file')) {
          engines.ensureEngine(new AbortController().signal).catch(() => {
            // Said in the log and the snapshot by `engines` itself; whoever needs it asks again.
          });
        }
        for (const model of models.values()) if (model.startup) loadInBackground(model.id);
      },

      stop({ isHurried = false } = {}) {
        if (stopping === undefined) stopping = stopInOrder();
        else if (isHurried) {
          void scheduler.close(0);
          for (const modelId of models.keys()) void supervisor.process(modelId).stop('shutdown', { graceMs: 0 });
        }
        return stopping;
      },

      checkAdmin(headers) {
        const key = presentedKey(headers) ?? '';
        const tokens = [instanceToken, ...(config.server.adminToken === undefined ? [] : [config.server.adminToken])];
        if (tokens.map((token) => isSameSecret(token, key)).includes(true)) return undefined;
        return new AppError(
          'unauthorized',
          'The control API needs the admin token (server.adminToken) as a Bearer token.',
        );
      },

      snapshot: () => ({
        sequence: feed.sequence(),
        instance: instanceView(),
        engine: engines.status(),
        models: [...models.keys()].map(viewOf),
        queue: scheduler.queue(),
      }),
      subscribe: feed.subscribe,

      resolveModel(name) {
        const modelId = resolve(name);
        if (modelId !== undefined) return modelId;
        throw new AppError('not-found', `There is no model "${name}". Known models: ${[...models.keys()].join(', ')}.`);
      },
      model: viewOf,
      loadModel: scheduler.load,
      ejectModel: scheduler.eject,
      async ejectAllModels(mode, signal) {
        const loaded = [...models.keys()].filter((modelId) => isResident(supervisor.process(modelId).view().state));
        return await Promise.all(loaded.map((modelId) => scheduler.eject(modelId, mode, signal)));
      },
      setPinned: scheduler.setPinned,
      resetModel: scheduler.reset,
      cancelRequest(requestId) {
        if (scheduler.cancel(requestId)) return;
        throw new AppError(
          'not-found',
          `No request "${requestId}" waits; it may have been served or given up meanwhile.`,
        );
      },
      readLogs(source, after, limit) {
        const id = source === APP_LOG ? APP_LOG : resolve(source);
        if (id === undefined)
          throw new AppError('not-found', `There is no log "${source}": name a model, or \`corral\`.`);
        return logStore.read(id, after, limit) ?? { lines: [], hasEarlier: false };
      },
    };
  }
}

async function withDemoModel(
  models: ReadonlyMap<string, ModelConfig>,
  dataFolder: string,
): Promise<ReadonlyMap<string, ModelConfig>> {
  if (models.size > 0) return models;
  const file = await ensureDemoModel(path.join(dataFolder, 'models'));
  return new Map([[DEMO_MODEL_ID, demoModelConfig(file)]]);
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw thrown;
  }
}

/** Sockets of processes that an earlier run left behind; the lock's own has another ending of its name. */
async function removeStaleSockets(runtimeFolder: string): Promise<void> {
  const names = await readdir(runtimeFolder);
  const stale = names.filter((name) => /^[0-9a-f]{8}-[0-9a-f]{6}\.sock$/.test(name));
  await Promise.all(stale.map((name) => rm(path.join(runtimeFolder, name), { force: true })));
}
