import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import type { InstanceView, ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { createAdminCheck } from './check-admin.ts';
import { fingerprint } from './config/config-folders.ts';
import { configInvalidError } from './config/config-issue.ts';
import { decideConfigChange, isEmptyChange, type ConfigChange } from './config/config-change.ts';
import { acquireDataFolderLock } from './config/data-folder-lock.ts';
import { removeInstanceFile, writeInstanceFile } from './config/instance-file.ts';
import { ensurePrivateFolder } from './config/private-folder.ts';
import { describeConfigChange } from './describe-config-change.ts';
import { dialectHost } from './dialect-host.ts';
import type { ConfigProblem, Engine, EngineOptions } from './engine-contract.ts';
import { createEngineFront } from './engine-front.ts';
import { createEngineListeners } from './engine-listeners.ts';
import { openEngineLogs } from './engine-logs.ts';
import { openEngineMemory } from './engine-memory.ts';
import { openEnginePools } from './engine-pools.ts';
import { openEngineRecords } from './engine-records.ts';
import { openModelShelf } from './engine-shelf.ts';
import { inferenceSettingsOf, schedulerSettingsOf } from './engine-settings.ts';
import { watchMemory } from './engine-watches.ts';
import { createMemoryHistory } from './memory/memory-history.ts';
import { createSteadyMemory } from './memory/steady-memory.ts';
import { createEventFeed } from './event-feed.ts';
import { instanceView } from './instance-view.ts';
import { createCapabilitiesReader } from './llama/capabilities-reader.ts';
import { loadPlanView } from './memory-view.ts';
import { createModelObserver } from './model-observer.ts';
import type { ModelTable } from './model-table.ts';
import { modelView } from './model-view.ts';
import { systemClock } from './ports/clock.ts';
import { openChildNets } from './process/child-nets.ts';
import { unknownModel } from './proxy/find-target.ts';
import type { Mount } from './proxy/proxy-app.ts';
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
  let { config, configWarnings } = options;
  let configErrors: readonly ConfigProblem[] = [];

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
    level: () => config.log.level,
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
    config: () => config,
    table: () => table,
    memory: () => memory,
    engines: () => engines,
    capabilities: () => capabilities,
    ejectModel: (...asked) => scheduler.eject(...asked),
    onChange: takeFoundModels,
  });
  undo.push(() => shelf.close());
  let table = await shelf.readTable(config);

  const engines = createEngines({
    config: config.engine,
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
    settings: () => config.memory.kvCache,
    models: () => table.models,
    clock,
    logger,
  });
  await kvCacheKeeper.sweep();
  undo.push(() => kvCacheKeeper.close());
  const supervisor = createSupervisor({
    models: table.models,
    clock,
    logger,
    logStore: logs.store,
    connectTimeoutMs: config.server.timeouts.connectMs,
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
    settings: () => config.memory,
    models: () => table.models,
    process: (modelId) => supervisor.process(modelId).view(),
    reserved: () => scheduler.reserved(),
    engines,
    readCapabilities,
    onChange: () => markMemory(),
    onModelChanged: (modelId) => markModel(modelId),
  });
  undo.push(() => memory.close());

  const steadyMemory = createSteadyMemory(() => memory.view(scheduler.isGameMode()));
  const memoryHistory = createMemoryHistory();
  const metrics = createMetrics(
    () => models(),
    () => steadyMemory.view(),
    () => pools.views(),
  );
  undo.push(() => metrics.close());
  const observeModel = createModelObserver(metrics);
  const records = openEngineRecords({
    ...config.telemetry,
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

  const pools = openEnginePools({ config, clock, logger, feed, scheduler: () => scheduler });
  undo.push(() => pools.close());
  const scheduler = createScheduler({
    ...schedulerSettingsOf(config, table),
    supervisor,
    clock,
    memory: memory.keeper,
    onModelChanged(modelId) {
      markModel(modelId);
      if (table.models.has(modelId)) observeModel(modelId, supervisor.process(modelId).view().state, viewOf);
    },
    onReservedChanged(modelId) {
      markModel(modelId);
      markMemory();
    },
    onQueueChanged: pools.markQueue,
  });

  let inferenceSettings = inferenceSettingsOf(config);
  const mounts: Mount[] = [];
  let stopping: Promise<void> | undefined;

  function viewOf(modelId: string): ModelView {
    const model = table.models.get(modelId);
    if (model === undefined) throw new AppError('not-found', `There is no model "${modelId}".`);
    return modelView(model, supervisor.process(modelId).view(), scheduler.counts(modelId), {
      origin: shelf.originOf(modelId),
      need: memory.need(modelId),
      history: memory.history(modelId),
    });
  }

  function isLoaded(modelId: string): boolean {
    return table.models.has(modelId) && isResident(supervisor.process(modelId).view().state);
  }

  function models(): ModelView[] {
    return [...table.models.keys()].map(viewOf);
  }

  function viewOfInstance(): InstanceView {
    const { version } = options;
    const [address, isShuttingDown] = [listeners.address(), stopping !== undefined];
    const known = { version, startedAt, address, configWarnings, configErrors, dataFolder, isShuttingDown };
    return instanceView(config, known);
  }

  function markModel(modelId: string): void {
    feed.mark(`model:${modelId}`, () => {
      const model = table.models.has(modelId) ? viewOf(modelId) : undefined;
      return model === undefined ? undefined : { type: 'model-changed', model };
    });
  }

  function markMemory(): void {
    memoryHistory.note(steadyMemory.view(), clock.wallMs());
    feed.mark('memory', () => {
      const news = steadyMemory.news();
      return news === undefined ? undefined : { type: 'memory-changed', memory: news };
    });
  }

  function announceInstance(): void {
    feed.mark('instance', () => ({ type: 'instance-changed', instance: viewOfInstance() }));
  }

  function loadInBackground(modelId: string, setName?: string): void {
    scheduler.load(modelId, new AbortController().signal, setName).catch((thrown: unknown) => {
      logger.log('warn', `Model "${modelId}" was to be loaded and was not: ${(thrown as Error).message}`);
    });
  }

  /** So that a first request need not wait for a download that could have begun before. */
  function lookForEngine(): void {
    const isNeeded = [...table.models.values()].some((model) => model.kind === 'file');
    const looking = isNeeded ? engines.ensureEngine(new AbortController().signal) : Promise.resolve();
    looking.then(memory.prefetch).catch(() => {
      // Said in the log and the snapshot by `engines` itself; whoever needs it asks again.
    });
  }

  function useModels(next: ModelTable, { restarted }: ConfigChange): void {
    const previous = table;
    table = next;
    memory.reset();
    supervisor.configure(table.models);
    void kvCacheKeeper.sweep();
    pools.configure(config);
    scheduler.configure(
      schedulerSettingsOf(config, table),
      restarted.map(({ id }) => id),
    );
    lookForEngine();
    for (const model of table.models.values()) {
      if (model.startup && !previous.models.has(model.id)) loadInBackground(model.id);
    }
    feed.mark('models', () => ({ type: 'models-changed', models: models() }));
  }

  /** Other models were found on disk than those that are listed. */
  async function takeFoundModels(): Promise<void> {
    const from = config;
    const next = await shelf.readTable(from);
    // A configuration that was applied meanwhile has read them too.
    if (from !== config || stopping !== undefined) return;
    const change = decideConfigChange({ ...from, models: table.models }, { ...from, models: next.models });
    if (isEmptyChange(change)) return;
    logger.log('info', `Models on disk: ${describeConfigChange(change)}`);
    useModels(next, change);
  }

  const checkAdmin = createAdminCheck(() => [instanceToken, config.server.adminToken]);
  const front = createEngineFront({
    clock,
    logger,
    scheduler,
    intake: records.intake,
    metrics,
    mounts,
    startedAt,
    settings: () => inferenceSettings,
    table: () => table,
    process: (modelId) => supervisor.process(modelId).view(),
    models,
    pools,
    loadInBackground,
    checkAdmin,
    metadata: memory.metadata,
    shelf: shelf.commands,
    isShuttingDown: () => stopping !== undefined,
  });
  const listeners = createEngineListeners({
    logger,
    front,
    config: () => config,
    host: () =>
      dialectHost({
        engine: facade,
        clock,
        config: () => config,
        table: () => table,
        pools,
        settings: options.settings,
        front,
      }),
    async onNativeOpened(address) {
      await writeInstanceFile(dataFolder, { pid: process.pid, address, token: instanceToken, startedAt });
      logger.log('info', `Listening on ${address}`, { models: table.models.size });
    },
  });
  undo.push(() => listeners.close());

  function switchGameMode(isOn: boolean): void {
    scheduler.setGameMode(isOn);
    logger.log('info', isOn ? 'Game mode is on: everything is unloaded' : 'Game mode is off');
    markMemory();
  }

  function reportErrors(errors: readonly ConfigProblem[]): void {
    configErrors = errors;
    for (const { path: where, message } of errors) {
      logger.log('error', `The configuration was changed and is not in use: ${where} ${message}`);
    }
    announceInstance();
  }

  async function stopInOrder(): Promise<void> {
    announceInstance();
    logger.log('info', 'Shutting down');
    // Meanwhile new requests are told 503; a refused connection would look like no Corral at all.
    const { shutdownMs } = config.server.timeouts;
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
      const problems = await memory.check(config);
      if (problems.length > 0) throw configInvalidError(config.filePath ?? 'the configuration', problems);
      undo.push(() => removeInstanceFile(dataFolder));
      await listeners.open(config);
      lookForEngine();
      const { isGameMode } = scheduler;
      undo.push(watchMemory({ clock, memory, config: () => config, models, isGameMode, switchGameMode }));
      await shelf.start();
      for (const model of table.models.values()) if (model.startup) loadInBackground(model.id);
    },

    stop({ isHurried = false } = {}) {
      if (stopping === undefined) stopping = stopInOrder();
      else if (isHurried) {
        void Promise.all([scheduler.close(0), pools.drain(0)]);
        for (const modelId of table.models.keys()) void supervisor.process(modelId).stop('shutdown', { graceMs: 0 });
      }
      return stopping;
    },

    async applyConfig(next, warnings) {
      if (stopping !== undefined) return;
      const problems = await memory.check(next);
      if (problems.length > 0) {
        reportErrors(problems);
        return;
      }
      const nextTable = await shelf.readTable(next);
      const change = decideConfigChange({ ...config, models: table.models }, { ...next, models: nextTable.models });
      configErrors = [];
      configWarnings = warnings;
      announceInstance();
      if (isEmptyChange(change)) return;
      await listeners.open(next);
      config = next;
      inferenceSettings = inferenceSettingsOf(next);
      if (change.isEngineChanged) engines.configure(next.engine);
      useModels(nextTable, change);
      logger.log('info', `The configuration was applied: ${describeConfigChange(change)}`);
      announceInstance();
      if (change.settings.some((path) => path.startsWith('catalog.'))) void shelf.rescan();
    },

    reportConfigErrors: reportErrors,
    log: logger.log,

    checkAdmin,

    snapshot: () => ({
      sequence: feed.sequence(),
      instance: viewOfInstance(),
      engine: engines.status(),
      models: models(),
      queue: pools.queue(),
      pools: pools.views(),
      memory: steadyMemory.view(),
      downloads: shelf.commands.downloads.list(),
    }),
    subscribe(listener, { isLooking = true } = {}) {
      const unsubscribe = feed.subscribe(listener);
      const endWatch = isLooking ? memory.watch() : undefined;
      return () => {
        unsubscribe();
        endWatch?.();
      };
    },

    resolveModel(name) {
      const resolved = table.resolve(name);
      if (resolved !== undefined) return resolved.modelId;
      throw unknownModel(name, [...table.models.keys()]);
    },
    model: viewOf,
    loadModel: scheduler.load,
    ejectModel: scheduler.eject,
    async ejectAllModels(mode, signal) {
      const loaded = [...table.models.keys()].filter(isLoaded);
      return await Promise.all(loaded.map((id) => scheduler.eject(id, mode, signal)));
    },
    async planLoad(modelId) {
      await memory.keeper.prepare(modelId);
      return loadPlanView(scheduler.plan(modelId));
    },
    setGameMode: switchGameMode,
    findEngine: () => {
      engines.configure(config.engine);
      lookForEngine();
    },
    setPinned: scheduler.setPinned,
    resetModel: scheduler.reset,
    cancelRequest(requestId) {
      if (pools.cancel(requestId)) return;
      throw new AppError(
        'not-found',
        `No request "${requestId}" waits; it may have been served or given up meanwhile.`,
      );
    },
    ...createSettingsFacade(options.settings, isLoaded),
    ...shelf.commands,
    readMemoryHistory: () => memoryHistory.read(clock.wallMs()),
    listRequests: records.list,
    readLogs: logs.createReader((name) => table.resolve(name)?.modelId),
  };
  return facade;
}
