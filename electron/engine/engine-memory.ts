import type { MemoryView } from '#shared/contract/memory.ts';
import { isResident } from '#shared/model/model-state.ts';
import { createGgufMetadataReader, type GgufMetadataReader } from './catalog/gguf-metadata.ts';
import type { MemoryConfig, ModelConfig, ResolvedConfig } from './config/resolved-config.ts';
import type { LlamaCapabilities } from './llama/capabilities.ts';
import type { LogFact } from './llama/log-lines.ts';
import { memoryView } from './memory-view.ts';
import type { Holder } from './memory/device-accounting.ts';
import { RAM, type DeviceBytes, type DeviceFacts, type ModelNeed } from './memory/device-facts.ts';
import { needBytes, type DeviceNeed } from './memory/estimate-need.ts';
import { checkDevices, mentionsDevices, type DeviceProblem } from './memory/check-devices.ts';
import { createNeedFinder, type FoundNeed } from './memory/find-need.ts';
import { openLearnedNeeds } from './memory/learned-needs.ts';
import type { LearnedNeed } from './memory/look-up-need.ts';
import { createNeedMeter, type NeedMeter } from './memory/measure-need.ts';
import { createMemoryKeeper } from './memory/memory-keeper.ts';
import { createMemoryMonitor } from './memory/memory-monitor.ts';
import { modelNeed } from './memory/model-need.ts';
import { createPlatformProbes } from './memory/platform-probes.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import type { MemoryKeeper } from './ports/memory-keeper.ts';
import type { MemoryProbe } from './ports/memory-probe.ts';
import type { EngineBuild } from './runtimes/engine-build.ts';
import type { Engines } from './runtimes/engines.ts';
import type { ModelProcessView } from './supervisor/model-process-contract.ts';

export interface MemoryProbes {
  readonly probes: readonly MemoryProbe[];
  readonly deviceList?: MemoryProbe;
}

export interface EngineMemoryOptions {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In place of those of the platform. */
  readonly probes?: MemoryProbes | undefined;
  settings(): MemoryConfig;
  models(): ReadonlyMap<string, ModelConfig>;
  process(modelId: string): ModelProcessView;
  reserved(): ReadonlyMap<string, DeviceBytes>;
  readonly engines: Pick<Engines, 'status' | 'ensureEngine' | 'findInstalled'>;
  readCapabilities(executable: string, signal: AbortSignal): Promise<LlamaCapabilities>;
  onChange(): void;
  /** What is known of a model's need, or of its loads, is more than before. */
  onModelChanged(modelId: string): void;
}

export interface EngineMemoryParts {
  /** For the scheduler. */
  readonly keeper: MemoryKeeper;
  /** The one reader of model files. */
  readonly metadata: Pick<GgufMetadataReader, 'read' | 'readKeys' | 'known'>;
  view(isGameMode: boolean): MemoryView;
  /** A process says something about its memory. */
  hear(modelId: string, fact: LogFact): void;
  /** A process was spawned: what is heard from now on is about it. */
  onLaunched(modelId: string): void;
  observeTokensPerSecond(modelId: string, tokensPerSecond: number): void;
  /** Reads the devices now. */
  readDevices(): Promise<readonly DeviceFacts[]>;
  /** Finds out what models need before anybody asks, so that a first load need not wait for it. Never rejects. */
  prefetch(): Promise<void>;
  /** What a configuration says of devices that are not there, or smaller. */
  check(config: ResolvedConfig): Promise<DeviceProblem[]>;
  /** What a model needs, as it was last found out. */
  need(modelId: string): ModelNeed | undefined;
  /** What is known of a model from its earlier loads; undefined if it was never loaded like this. */
  history(modelId: string): LearnedNeed | undefined;
  /** The configuration or the llama-server is another one. */
  reset(): void;
  /** Reads now and then until the returned function is called; for as long as somebody looks. */
  watch(): () => void;
  close(): Promise<void>;
}

const LOOK_INTERVAL_MS = 4000;
const SPEED_INTERVAL_MS = 10_000;
/** Each costs some milliseconds of a disk's and a thread's time. */
const MAX_PREFETCHED = 50;
/** Bytes a second that a disk and a GPU take weights in at, for the first load; measured from then on. */
const GUESSED_BYTES_PER_MS = 1_000_000;
const GUESSED_START_MS = 500;

/** Puts together what knows memory: probes, needs, and what was learned. */
export async function openEngineMemory(options: EngineMemoryOptions): Promise<EngineMemoryParts> {
  const { platform, env, dataFolder, clock, logger, engines } = options;
  const metadata = createGgufMetadataReader();
  const learned = await openLearnedNeeds({ folder: dataFolder, logger, clock });
  const found = new Map<string, FoundNeed>();
  const meters = new Map<string, NeedMeter>();
  /** What a process was started as, which the configuration may have left behind meanwhile. */
  const launched = new Map<string, FoundNeed>();
  const speedNotedMs = new Map<string, number>();

  const readyBuild = (): EngineBuild | undefined => {
    const status = engines.status();
    return status.status === 'ready' ? status.build : undefined;
  };

  async function findBuild(): Promise<EngineBuild | undefined> {
    // What is being fetched takes a while; llama-server itself then sees to what fits.
    if (engines.status().status === 'installing') return undefined;
    return readyBuild() ?? (await engines.ensureEngine(new AbortController().signal));
  }

  const pids = (): number[] => [...options.models().keys()].flatMap((modelId) => options.process(modelId).pid ?? []);
  const monitor = createMemoryMonitor({
    ...(options.probes ??
      createPlatformProbes({ platform, env, clock, pids, engineExecutable: () => readyBuild()?.executable })),
    clock,
    logger,
  });

  function holders(): Holder[] {
    const reserved = options.reserved();
    return [...options.models().keys()].flatMap((modelId) => {
      const { state, pid } = options.process(modelId);
      const held = reserved.get(modelId);
      if (held === undefined && !isResident(state)) return [];
      const isSettled = state === 'ready' || state === 'draining';
      return [{ modelId, pid: pid ?? undefined, held: held ?? new Map<string, number>(), isSettled }];
    });
  }

  const findNeed = createNeedFinder({
    metadata,
    learned,
    logger,
    devices: () => keeper.devices(),
    findBuild,
    readCapabilities: (executable) => options.readCapabilities(executable, new AbortController().signal),
  });

  const keeper = createMemoryKeeper({
    monitor,
    clock,
    settings: options.settings,
    holders,
    async findNeed(modelId) {
      const model = options.models().get(modelId);
      if (model === undefined) return undefined;
      const result = await findNeed(model);
      if (result === undefined) found.delete(modelId);
      else found.set(modelId, result);
      options.onModelChanged(modelId);
      return result?.need;
    },
    expectedLoadMs(modelId) {
      const known = found.get(modelId);
      const last = options.process(modelId).lastLoadMs;
      if (known?.expectedLoadMs !== undefined) return known.expectedLoadMs;
      if (last !== null) return last;
      return known === undefined || known.weightsBytes === 0
        ? 0
        : GUESSED_START_MS + known.weightsBytes / GUESSED_BYTES_PER_MS;
    },
    onObserved: options.onChange,
    measure,
    canListDevices: () => readyBuild() !== undefined,
    onIdleBudget(name) {
      const known = keeper.devices().map(({ id }) => id);
      logger.log(
        'warn',
        `memory.budgets.${name} is for a device that is not there, and has no effect; there are ${known.join(', ')}.`,
      );
    },
  });

  async function measure(modelId: string): Promise<DeviceBytes | undefined> {
    const started = launched.get(modelId);
    const { lastLoadMs, pid } = options.process(modelId);
    const meter = meters.get(modelId);
    const measured = meter?.measured() ?? (pid === null ? undefined : await measureByPid(pid));
    if (measured === undefined) return undefined;
    // What was started before its need could be told (llama-server was still being fetched) is measured, and not learned from.
    if (started !== undefined) {
      const forecast = meter?.forecast();
      learned.observe(started.circumstances, {
        predicted: started.predicted,
        measured,
        ...(meter === undefined ? {} : { isShrunk: meter.isShrunk() }),
        ...(forecast === undefined ? {} : { forecast }),
        ...(lastLoadMs === null ? {} : { loadTimeMs: lastLoadMs }),
      });
      keeper.forgetNeed(modelId);
      options.onModelChanged(modelId);
    }
    const model = options.models().get(modelId);
    return model === undefined ? undefined : bytesOf(model, measured);
  }

  /** A command's own server says nothing of its memory; the devices may. */
  async function measureByPid(pid: number): Promise<DeviceNeed[]> {
    const reading = await monitor.read();
    keeper.observe(reading);
    return reading.devices.flatMap((device) => {
      const used = device.usedByPid?.get(pid) ?? 0;
      return used === 0 ? [] : [{ device: device.id, weightsBytes: used, kvBytes: 0, computeBytes: 0 }];
    });
  }

  return {
    keeper,
    metadata,
    view: (isGameMode) =>
      memoryView({
        read: monitor.latest()?.devices ?? [],
        facts: keeper.devices(),
        reserved: options.reserved(),
        isGameMode,
      }),
    hear: (modelId, fact) => meters.get(modelId)?.hear(fact),
    onLaunched(modelId) {
      meters.set(modelId, createNeedMeter());
      const known = found.get(modelId);
      if (known === undefined) launched.delete(modelId);
      else launched.set(modelId, known);
    },
    observeTokensPerSecond(modelId, tokensPerSecond) {
      const started = launched.get(modelId);
      const nowMs = clock.nowMs();
      // Remembering takes a digest and a write; a thousand small answers a second are no news.
      if (started === undefined || nowMs - (speedNotedMs.get(modelId) ?? -SPEED_INTERVAL_MS) < SPEED_INTERVAL_MS)
        return;
      speedNotedMs.set(modelId, nowMs);
      learned.observe(started.circumstances, { tokensPerSecond });
      options.onModelChanged(modelId);
    },
    async readDevices() {
      keeper.observe(await monitor.read());
      return keeper.devices();
    },
    async prefetch() {
      for (const modelId of [...options.models().keys()].slice(0, MAX_PREFETCHED)) await keeper.prepare(modelId);
    },
    async check(config) {
      const mentioned = { budgetsBytes: config.memory.budgetsBytes, models: [...config.models.values()] };
      if (!mentionsDevices(mentioned)) return [];
      // A start does not wait for a download to learn the names of devices, and a command may need no llama-server at all.
      const build = await engines.findInstalled().catch(() => undefined);
      const reading = await monitor.read();
      keeper.observe(reading);
      return checkDevices(mentioned, reading.devices, build !== undefined);
    },
    need: (modelId) => found.get(modelId)?.need,
    history(modelId) {
      const known = found.get(modelId) ?? launched.get(modelId);
      return known === undefined ? undefined : learned.lookUp(known.circumstances);
    },
    reset() {
      keeper.forgetNeeds();
      monitor.forgetDeviceList();
    },
    watch() {
      return monitor.watch(keeper.observe, LOOK_INTERVAL_MS);
    },
    async close() {
      await Promise.all([monitor.close(), metadata.close(), learned.close()]);
    },
  };
}

/** What a process that is ready holds of each device. */
function bytesOf(model: ModelConfig, measured: readonly DeviceNeed[]): DeviceBytes {
  const need = modelNeed({ model, source: 'measured', perDevice: measured, onProcessor: measured });
  const devices = measured.filter(({ device }) => device !== RAM);
  const total = devices.reduce((sum, each) => sum + needBytes(each), 0);
  const bytes = new Map<string, number>();
  for (const each of devices) {
    const own = needBytes(each);
    if (own > 0) bytes.set(each.device, (need.offloadedBytes * own) / total);
  }
  const inRam = bytes.size === 0 ? need.cpuBytes : need.hostBytes;
  return inRam > 0 ? bytes.set(RAM, inRam) : bytes;
}
