import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createAdminCheck } from './check-admin.ts';
import { fingerprint } from './config/config-folders.ts';
import { configInvalidError } from './config/config-issue.ts';
import { acquireDataFolderLock } from './config/data-folder-lock.ts';
import { removeInstanceFile, writeInstanceFile } from './config/instance-file.ts';
import { ensurePrivateFolder } from './config/private-folder.ts';
import { dialectHost } from './dialect-host.ts';
import type { Engine, EngineOptions } from './engine-contract.ts';
import { createEngineFront } from './engine-front.ts';
import { createEngineListeners } from './engine-listeners.ts';
import { openEngineLogs } from './engine-logs.ts';
import { openEngineMemory } from './engine-memory.ts';
import { openEnginePools } from './engine-pools.ts';
import { openEngineRecords } from './engine-records.ts';
import { openModelShelf } from './engine-shelf.ts';
import { schedulerSettingsOf } from './engine-settings.ts';
import { createEngineViews } from './engine-views.ts';
import { watchMemory } from './engine-watches.ts';
import { createEventFeed } from './event-feed.ts';
import { createCapabilitiesReader } from './llama/capabilities-reader.ts';
import { createConfigInUse } from './config-in-use.ts';
import { createModelFacade } from './model-facade.ts';
import { createModelObserver } from './model-observer.ts';
import { systemClock } from './ports/clock.ts';
import { openChildNets } from './process/child-nets.ts';
import type { Mount } from './proxy/proxy-app.ts';
import { createReconfigure } from './reconfigure.ts';
import { removeIfEmpty, removeStaleSockets } from './runtime-folder.ts';
import { createDebianArchiveSource } from './runtimes/debian-archive.ts';
import { createEngines } from './runtimes/engines.ts';
import { createScheduler } from './scheduler/scheduler.ts';
import { createSettingsFacade } from './settings-facade.ts';
import { createPortFinder } from './supervisor/free-port.ts';
import { createKvCacheKeeper } from './supervisor/kv-cache-keeper.ts';
import { createSupervisor } from './supervisor/supervisor.ts';
import { createMetrics } from './telemetry/metrics.ts';

export type { Engine, EngineOptions } from './engine-contract.ts';

/**
 * Brings the engine up to where it could listen: takes the data folder, ends what an earlier run left behind, and sets
 * every part up. Throws `already-running` if another Corral holds the data folder.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  /** What has to be undone, newest last. */
  const undo: (() => Promise<void> | void)[] = [];
  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await setUp(options, undo, unwind);
  } catch (thrown) {
    await unwind();
    throw thrown;
  }
}

async function setUp(
  options: EngineOptions,
  undo: (() => Promise<void> | void)[],
  unwind: () => Promise<void>,
): Promise<Engine> {
  const { dataFolder, runtimeFolder, platform, env } = options;
  const clock = options.clock ?? systemClock;
  const startedAt = clock.wallMs();
  const instanceToken = randomBytes(32).toString('base64url');
  const inUse = createConfigInUse(options.config, options.configWarnings);

  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await ensurePrivateFolder(runtimeFolder, platform);
  undo.push(() => removeIfEmpty(runtimeFolder));
  const lock = await acquireDataFolderLock({ dataFolder, runtimeFolder, platform, pid: process.pid });
  undo.push(() => lock.release());

  const feed = createEventFeed(clock);
  undo.push(() => feed.close());
  const logFolder = path.join(dataFolder, 'logs');
  const logs = openEngineLogs({
    folder: logFolder,
    clock,
    feed,
    level: () => inUse.config.log.level,
    onLogLine: (level, line) => options.onLogLine?.(level, line),
  });
  undo.push(() => logs.store.close());
  const { logger } = logs;

  const ownerMark = fingerprint(dataFolder, 16);
  const childNets = await openChildNets({ platform, dataFolder, ownerMark, logger });
  undo.push(() => childNets.close());
  if (platform !== 'win32') await removeStaleSockets(runtimeFolder);

  const shelf = openModelShelf({
    ...options,
    clock,
    logger,
    feed,
    config: () => inUse.config,
    table: () => inUse.table,
    memory: () => memory,
    engines: () => engines,
    capabilities: () => capabilities,
    ejectModel: (...asked) => scheduler.eject(...asked),
    onChange: () => reconfigure.takeFoundModels(),
  });
  undo.push(() => shelf.close());
  inUse.table = await shelf.readTable(inUse.config);

  const engines = createEngines({
    config: inUse.config.engine,
    searchPath: env['PATH'] ?? env['Path'] ?? '',
    installFolder: path.join(dataFolder, 'engines'),
    sources: [createDebianArchiveSource({ env: { ...env } })],
    platform,
    logger,
    clock,
    onChange() {
      // Another llama-server may have other devices, and none has none.
      if (engines.status().status === 'ready') memory.reset();
      feed.mark('engine', () => ({ type: 'engine-changed', engine: engines.status() }));
    },
  });
  undo.push(() => engines.stop());

  const capabilities = createCapabilitiesReader();
  const { readCapabilities } = capabilities;
  const kvCacheKeeper = createKvCacheKeeper({
    defaultFolder: path.join(dataFolder, 'kv-cache'),
    settings: () => inUse.config.memory.kvCache,
    models: () => inUse.table.models,
    clock,
    logger,
  });
  await kvCacheKeeper.sweep();
  undo.push(() => kvCacheKeeper.close());
  const supervisor = createSupervisor({
    models: inUse.table.models,
    clock,
    logger,
    logStore: logs.store,
    connectTimeoutMs: inUse.config.server.timeouts.connectMs,
    platform,
    env,
    runtimeFolder,
    findFreePort: createPortFinder(),
    ownerMark,
    ensureEngine: (signal) => engines.ensureEngine(signal),
    readCapabilities,
    kvCacheKeeper,
    onSpawned: childNets.onSpawned,
    onGone: childNets.onGone,
    onLaunched: (modelId) => memory.onLaunched(modelId),
    onLogFact: (modelId, fact) => memory.hear(modelId, fact),
  });
  undo.push(() => supervisor.stopAll('shutdown'));

  const memory = await openEngineMemory({
    platform,
    env: { ...env },
    dataFolder,
    clock,
    logger,
    probes: options.memoryProbes,
    settings: () => inUse.config.memory,
    models: () => inUse.table.models,
    process: (modelId) => supervisor.process(modelId).view(),
    reserved: () => scheduler.reserved(),
    engines,
    readCapabilities,
    onChange: () => views.markMemory(),
    onModelChanged: (modelId) => views.markModel(modelId),
  });
  undo.push(() => memory.close());

  const metrics = createMetrics(
    () => views.models(),
    () => views.memory(),
    () => pools.views(),
  );
  undo.push(() => metrics.close());
  const observeModel = createModelObserver(metrics);
  const records = openEngineRecords({
    ...inUse.config.telemetry,
    folder: logFolder,
    logger,
    clock,
    feed,
    onRecord(record) {
      metrics.observeRequest(record);
      if (record.tokensPerSecond !== null) memory.observeTokensPerSecond(record.modelId, record.tokensPerSecond);
    },
  });
  undo.push(() => records.close());

  const pools = openEnginePools({ config: inUse.config, clock, logger, feed, scheduler: () => scheduler });
  undo.push(() => pools.close());
  const scheduler = createScheduler({
    ...schedulerSettingsOf(inUse.config, inUse.table),
    supervisor,
    clock,
    memory: memory.keeper,
    onModelChanged(modelId) {
      views.markModel(modelId);
      if (inUse.table.models.has(modelId)) observeModel(modelId, supervisor.process(modelId).view().state, views.model);
    },
    onReservedChanged(modelId) {
      views.markModel(modelId);
      views.markMemory();
    },
    onQueueChanged: pools.markQueue,
  });

  const mounts: Mount[] = [];
  let stopping: Promise<void> | undefined;

  const isStopping = (): boolean => stopping !== undefined;
  const views = createEngineViews({
    ...options,
    startedAt,
    clock,
    feed,
    inUse,
    shelf,
    engines,
    supervisor,
    memory,
    pools,
    scheduler,
    address: () => listeners.address(),
    isShuttingDown: isStopping,
  });

  function loadInBackground(modelId: string, setName?: string): void {
    scheduler.load(modelId, new AbortController().signal, setName).catch((thrown: unknown) => {
      logger.log('warn', `Model "${modelId}" was to be loaded and was not: ${(thrown as Error).message}`);
    });
  }

  /** So that a first request need not wait for a download that could have begun before. */
  function lookForEngine(): void {
    const isNeeded = [...inUse.table.models.values()].some((model) => model.kind === 'file');
    const looking = isNeeded ? engines.ensureEngine(new AbortController().signal) : Promise.resolve();
    looking.then(memory.prefetch).catch(() => {
      // Said in the log and the snapshot by `engines` itself; whoever needs it asks again.
    });
  }

  const checkAdmin = createAdminCheck(() => [instanceToken, inUse.config.server.adminToken]);
  const front = createEngineFront({
    clock,
    logger,
    scheduler,
    intake: records.intake,
    metrics,
    mounts,
    startedAt,
    settings: () => inUse.inferenceSettings,
    table: () => inUse.table,
    process: (modelId) => supervisor.process(modelId).view(),
    models: views.models,
    pools,
    loadInBackground,
    checkAdmin,
    metadata: memory.metadata,
    shelf: shelf.commands,
    isShuttingDown: isStopping,
  });
  const listeners = createEngineListeners({
    logger,
    front,
    config: () => inUse.config,
    host: () =>
      dialectHost({
        engine: facade,
        clock,
        config: () => inUse.config,
        table: () => inUse.table,
        pools,
        settings: options.settings,
        front,
      }),
    async onNativeOpened(address) {
      await writeInstanceFile(dataFolder, { pid: process.pid, address, token: instanceToken, startedAt });
      logger.log('info', `Listening on ${address}`, { models: inUse.table.models.size });
    },
  });
  undo.push(() => listeners.close());

  function switchGameMode(isOn: boolean): void {
    scheduler.setGameMode(isOn);
    logger.log('info', isOn ? 'Game mode is on: everything is unloaded' : 'Game mode is off');
    views.markMemory();
  }

  const reconfigure = createReconfigure({
    inUse,
    logger,
    shelf,
    engines,
    memory,
    supervisor,
    kvCacheKeeper,
    pools,
    scheduler,
    listeners,
    views,
    loadInBackground,
    lookForEngine,
    isStopping,
  });

  async function stopInOrder(): Promise<void> {
    views.announceInstance();
    logger.log('info', 'Shutting down');
    // Meanwhile new requests are told 503; a refused connection would look like no Corral at all.
    const { shutdownMs } = inUse.config.server.timeouts;
    await Promise.all([scheduler.close(shutdownMs), pools.drain(shutdownMs)]);
    listeners.stopAccepting();
    await supervisor.stopAll('shutdown');
    await unwind();
  }

  const facade: Engine = {
    instanceToken,
    address: listeners.address,
    furtherListeners: listeners.further,
    mount: (prefix, handler) => void mounts.push({ prefix, handler }),

    async start() {
      const { config } = inUse;
      const problems = await memory.check(config);
      if (problems.length > 0) throw configInvalidError(config.filePath ?? 'the configuration', problems);
      undo.push(() => removeInstanceFile(dataFolder));
      await listeners.open(inUse.config);
      lookForEngine();
      const { isGameMode } = scheduler;
      const { models } = views;
      undo.push(watchMemory({ clock, memory, config: () => inUse.config, models, isGameMode, switchGameMode }));
      await shelf.start();
      for (const model of inUse.table.models.values()) if (model.startup) loadInBackground(model.id);
    },

    stop({ isHurried = false } = {}) {
      if (stopping === undefined) stopping = stopInOrder();
      else if (isHurried) {
        void Promise.all([scheduler.close(0), pools.drain(0)]);
        for (const modelId of inUse.table.models.keys())
          void supervisor.process(modelId).stop('shutdown', { graceMs: 0 });
      }
      return stopping;
    },

    applyConfig: reconfigure.applyConfig,
    reportConfigErrors: reconfigure.reportConfigErrors,
    log: logger.log,

    checkAdmin,

    snapshot: views.snapshot,
    subscribe(listener, { isLooking = true } = {}) {
      const unsubscribe = feed.subscribe(listener);
      const endWatch = isLooking ? memory.watch() : undefined;
      return () => {
        unsubscribe();
        endWatch?.();
      };
    },

    model: views.model,
    ...createModelFacade({ scheduler, memory, pools, table: () => inUse.table, isLoaded: views.isLoaded }),
    setGameMode: switchGameMode,
    findEngine: () => {
      engines.configure(inUse.config.engine);
      lookForEngine();
    },
    ...createSettingsFacade(options.settings, views.isLoaded),
    ...shelf.commands,
    readMemoryHistory: views.readMemoryHistory,
    listRequests: records.list,
    readLogs: logs.createReader((name) => inUse.table.resolve(name)?.modelId),
  };
  return facade;
}
