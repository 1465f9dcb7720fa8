import type { MemoryKeeper } from '../ports/memory-keeper.ts';
import { delay, type Clock } from '../ports/clock.ts';
import { accountDevices, findIdleBudgets, type AccountingSettings, type Holder } from './device-accounting.ts';
import { RAM, type DeviceBytes, type DeviceFacts, type ModelNeed } from './device-facts.ts';
import type { MemoryDevice } from './merge-devices.ts';
import type { MemoryMonitor, MemoryReading } from './memory-monitor.ts';
import { hasComeBack, leastReturnBytes } from './memory-return.ts';

/** A decision is not made by what was free longer ago. */
const MAX_READING_AGE_MS = 2000;
/** How long a prepared decision may take to be made. */
const MAX_DECISION_AGE_MS = 10_000;
const RETURN_PATIENCE_MS = 5000;
const RETURN_LOOK_MS = 50;

export interface MemoryKeeperOptions {
  readonly monitor: MemoryMonitor;
  readonly clock: Clock;
  settings(): AccountingSettings;
  /** Our processes that hold memory. */
  holders(): readonly Holder[];
  /** What a model needs, from the best source there is; undefined if nobody can tell. Never rejects. */
  findNeed(modelId: string): Promise<ModelNeed | undefined>;
  expectedLoadMs(modelId: string): number;
  /** There is a new reading of the devices. */
  onObserved(): void;
  /** Whether there is a llama-server to ask for its devices. */
  canListDevices?(): boolean;
  /** A budget is for a device that is not there; told once a name. */
  onIdleBudget?(name: string): void;
  /** What a ready process took; undefined where nobody tells. */
  measure(modelId: string): Promise<DeviceBytes | undefined>;
}

/** A model nobody knows anything of: it is loaded as if it took nothing, and measured. */
const UNKNOWN_NEED: ModelNeed = {
  source: 'unknown',
  offloadedBytes: 0,
  perDeviceBytes: 0,
  hostBytes: 0,
  cpuBytes: 0,
  offload: 'auto',
  devices: [],
};

export interface EngineMemory extends MemoryKeeper {
  /** Takes a reading over; whoever polls hands it here. */
  observe(reading: MemoryReading): void;
  devices(): readonly DeviceFacts[];
  /** What is known of a need is out of date: there is a better source. */
  forgetNeed(modelId: string): void;
  /** The same of all: the configuration or the engine changed. */
  forgetNeeds(): void;
}

/** Keeps what the scheduler decides by: the devices as last read, and what models need. */
export function createMemoryKeeper(options: MemoryKeeperOptions): EngineMemory {
  const { monitor, clock } = options;
  let devices: readonly DeviceFacts[] = [];
  let decisiveUntilMs = Number.NEGATIVE_INFINITY;
  /** Readings that began before lack llama-server's names of the devices. */
  let listableSinceMs = Number.NEGATIVE_INFINITY;
  const needs = new Map<string, ModelNeed>();
  const idleBudgets = new Set<string>();
  /** Free memory by device just before a process was told to end, of those whose memory is not back. */
  const before = new Map<string, Map<string, number>>();
  /** Processes whose memory is not back: of one that is gone nobody else knows the number any more. */
  const pids = new Map<string, number>();

  function holders(): Holder[] {
    return options.holders().map((holder) => ({ ...holder, pid: holder.pid ?? pids.get(holder.modelId) }));
  }

  function observe({ devices: read }: MemoryReading): void {
    devices = accountDevices(read, holders(), options.settings(), new Map(devices.map((each) => [each.id, each])));
    options.onObserved();
  }

  function tellIdleBudgets(read: readonly MemoryDevice[]): void {
    for (const name of findIdleBudgets(read, options.settings())) {
      if (idleBudgets.has(name)) continue;
      idleBudgets.add(name);
      options.onIdleBudget?.(name);
    }
  }

  async function read(maxAgeMs: number): Promise<MemoryReading> {
    const reading = await monitor.read({ maxAgeMs });
    observe(reading);
    return reading;
  }

  function describeDevices(): string {
    return devices.map(({ id, kind }) => `${id} ${kind}`).join();
  }

  function noteList(): void {
    const isNew = listableSinceMs === Number.NEGATIVE_INFINITY && options.canListDevices?.() === true;
    if (isNew) listableSinceMs = clock.nowMs();
  }

  function freeOf(read: readonly MemoryDevice[]): Map<string, number> {
    return new Map(read.flatMap(({ id, freeBytes }) => (freeBytes === undefined ? [] : [[id, freeBytes]])));
  }

  /** What must have been free while all that is reserved was in use: for a process that ended before anybody looked. */
  function freeByAccount(): Map<string, number> {
    const reserved = options.holders();
    return new Map(
      devices.map(({ id, totalBytes, usedByOthersBytes }) => [
        id,
        Math.max(0, totalBytes - usedByOthersBytes - reserved.reduce((sum, { held }) => sum + (held.get(id) ?? 0), 0)),
      ]),
    );
  }

  /** What came back of one process is not what another's return may be told by. */
  function raiseOthers(watched: readonly (readonly [string, number])[]): void {
    for (const free of before.values()) {
      for (const [id, heldBytes] of watched) {
        const then = free.get(id);
        if (then !== undefined) free.set(id, then + leastReturnBytes(heldBytes));
      }
    }
  }

  return {
    observe,
    devices: () => devices,
    forgetNeed: (modelId) => void needs.delete(modelId),
    forgetNeeds() {
      needs.clear();
      decisiveUntilMs = Number.NEGATIVE_INFINITY;
      listableSinceMs = Number.NEGATIVE_INFINITY;
    },
    facts: () => ({ devices, isFresh: clock.nowMs() <= decisiveUntilMs }),
    needOf: (modelId) => needs.get(modelId),
    async prepare(modelId) {
      noteList();
      const known = describeDevices();
      let [need, reading] = await Promise.all([options.findNeed(modelId), read(MAX_READING_AGE_MS)]);
      noteList();
      // The first need has llama-server looked for; what was read meanwhile lacks its names of the devices. The next reading
      // may still be one that was under way.
      for (let round = 0; round < 2 && reading.readAtMs < listableSinceMs; round += 1) {
        reading = await read(0);
      }
      // What a model needs depends on what there is.
      if (describeDevices() !== known) need = await options.findNeed(modelId);
      tellIdleBudgets(reading.devices);
      needs.set(modelId, need ?? UNKNOWN_NEED);
      decisiveUntilMs = clock.nowMs() + MAX_DECISION_AGE_MS;
    },
    expectedLoadMs: options.expectedLoadMs,
    noteProcess(modelId) {
      const pid = options.holders().find((holder) => holder.modelId === modelId)?.pid;
      if (pid !== undefined) pids.set(modelId, pid);
    },
    expectReturn(modelId) {
      const last = monitor.latest();
      if (last === undefined || clock.nowMs() - last.readAtMs > MAX_READING_AGE_MS) return;
      before.set(modelId, freeOf(last.devices));
    },
    async awaitReturn(modelId, held) {
      // What the system's own memory held is back with the process' end.
      const watched = [...held].filter(([device, bytes]) => device !== RAM && bytes > 0);
      if (watched.length === 0) {
        before.delete(modelId);
        pids.delete(modelId);
        return held;
      }
      const pid = pids.get(modelId);
      const deadlineMs = clock.nowMs() + RETURN_PATIENCE_MS;
      for (;;) {
        const { devices: now } = await read(0);
        const freeBefore = before.get(modelId) ?? freeByAccount();
        before.set(modelId, freeBefore);
        const isBack = watched.every(([id, heldBytes]) => {
          const device = now.find((each) => each.id === id);
          return hasComeBack({
            freeBeforeBytes: freeBefore.get(id),
            heldBytes,
            freeNowBytes: device?.freeBytes,
            isListed: pid === undefined ? undefined : device?.usedByPid?.has(pid),
          });
        });
        if (isBack || clock.nowMs() >= deadlineMs) {
          before.delete(modelId);
          pids.delete(modelId);
          if (isBack) raiseOthers(watched);
          return cameBack(held, freeBefore, freeOf(now));
        }
        await delay(clock, RETURN_LOOK_MS);
      }
    },
    measure: options.measure,
  };
}

/** What was seen to come back where somebody looked before; else what was held. */
function cameBack(
  held: DeviceBytes,
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): DeviceBytes {
  return new Map(
    [...held].map(([id, bytes]) => {
      const [then, free] = [before.get(id), now.get(id)];
      return [id, id === RAM || then === undefined || free === undefined ? bytes : Math.max(0, free - then)];
    }),
  );
}
