import { orAborted } from '#shared/lib/or-aborted.ts';
import { toAppError } from '#shared/contract/errors.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { MemoryProbe } from '../ports/memory-probe.ts';
import { mergeDevices, type MemoryDevice } from './merge-devices.ts';
import { createProbeWatch, within, type ProbeProblem, type ProbeWatch } from './probe-watch.ts';

/** At the end, for tools that are being killed; one that even the kernel cannot end is left to it. */
const CLOSE_PATIENCE_MS = 2000;

/** Who only looks is content with an older list; opening every GPU at each look would be felt. */
const POLLED_LIST_MAX_AGE_MS = 10_000;

/** All devices at one moment. */
export interface MemoryReading {
  /** When the reading began, on the monotonic clock; a device may be older, which its own `readAtMs` says. */
  readonly readAtMs: number;
  readonly devices: readonly MemoryDevice[];
  /** Probes that fail, those that never told anything among them. */
  readonly problems: readonly ProbeProblem[];
}

export interface MemoryMonitor {
  /**
   * A reading that began less than `maxAgeMs` ago, else a new one (0, the default: always a new one, or the one that is under
   * way). Takes as long as the probes, at most some seconds. Rejects with the signal's reason and for nothing else. Once
   * closed it gives the last reading.
   */
  read(options?: { readonly maxAgeMs?: number; readonly signal?: AbortSignal }): Promise<MemoryReading>;
  /** The last reading; undefined before the first is complete. */
  latest(): MemoryReading | undefined;
  /** Reads now and then `intervalMs` after each reading, as long as there is a listener. The listener hears each of these. */
  watch(listener: (reading: MemoryReading) => void, intervalMs: number): () => void;
  /** Asks llama-server for its devices again at the next reading: another build runs models now. */
  forgetDeviceList(): void;
  /** Ends every tool, timer and watch. Resolves when they have ended, or after two seconds; may be called again. */
  close(): Promise<void>;
}

export interface MemoryMonitorOptions {
  /** Of two that tell of one device the first wins. */
  readonly probes: readonly MemoryProbe[];
  /** llama-server's own list. Costly, and so asked once, and again only for what no other probe tells. */
  readonly deviceList?: MemoryProbe;
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly patienceMs?: number;
}

/** Keeps an eye on all memory through probes that may fail, hang or vanish, and survives all of that. */
export function createMemoryMonitor(options: MemoryMonitorOptions): MemoryMonitor {
  const { clock, logger } = options;
  const ending = new AbortController();
  const watchOptions = {
    clock,
    signal: ending.signal,
    ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
  };
  const vendors = options.probes.map((probe) => createProbeWatch(probe, watchOptions));
  const list = options.deviceList === undefined ? undefined : createProbeWatch(options.deviceList, watchOptions);
  const all: readonly ProbeWatch[] = [...vendors, ...(list === undefined ? [] : [list])];

  const listeners = new Map<object, { readonly hear: (reading: MemoryReading) => void; readonly intervalMs: number }>();
  let last: MemoryReading | undefined;
  let inFlight: Promise<MemoryReading> | undefined;
  let timer: Timer | undefined;
  let roundCount = 0;
  let closing: Promise<void> | undefined;

  /** For names, which stay as they are, and for what is free where nobody else tells it. */
  function needsList(maxAgeMs: number): boolean {
    const [listed] = list?.devices() ?? [];
    if (list === undefined || last === undefined || listed === undefined) return true;
    if (clock.nowMs() - listed.readAtMs < maxAgeMs) return false;
    return last.devices.some(
      (device) =>
        device.kind !== 'ram' && (device.probe === list.name || device.isStale || device.freeBytes === undefined),
    );
  }

  async function readAll(listMaxAgeMs: number): Promise<MemoryReading> {
    const readAtMs = clock.nowMs();
    const asked = needsList(listMaxAgeMs) ? all : vendors;
    await Promise.all(asked.map((watch) => watch.refresh()));
    const devices = mergeDevices(
      vendors.flatMap((watch) => watch.devices()),
      list?.devices() ?? [],
    );
    const problems = all.map((watch) => watch.problem()).filter((problem) => problem !== undefined);
    logChanges(problems);
    last = { readAtMs, devices, problems };
    return last;
  }

  function logChanges(problems: readonly ProbeProblem[]): void {
    for (const { probe, message, sinceMs } of problems) {
      const isNew = last?.problems.some((known) => known.probe === probe && known.sinceMs === sinceMs) !== true;
      if (isNew) logger?.log('warn', message, { probe });
    }
  }

  function startReading(listMaxAgeMs: number): Promise<MemoryReading> {
    inFlight ??= readAll(listMaxAgeMs).finally(() => (inFlight = undefined));
    return inFlight;
  }

  async function poll(): Promise<void> {
    roundCount += 1;
    const round = roundCount;
    timer?.cancel();
    const reading = await startReading(POLLED_LIST_MAX_AGE_MS);
    // Somebody who came meanwhile has begun a round of their own, with the same reading.
    if (ending.signal.aborted || round !== roundCount) return;
    for (const { hear } of [...listeners.values()]) {
      try {
        hear(reading);
      } catch (error) {
        // One listener's defect must not take the others' readings away.
        logger?.log('error', toAppError(error).message);
      }
    }
    if (listeners.size === 0 || round !== roundCount) return;
    timer = clock.setTimer(Math.min(...[...listeners.values()].map(({ intervalMs }) => intervalMs)), () => void poll());
  }

  async function end(): Promise<void> {
    listeners.clear();
    timer?.cancel();
    ending.abort(new Error('Corral is ending.'));
    await within(Promise.all(all.map((watch) => watch.settled())), CLOSE_PATIENCE_MS, clock);
  }

  return {
    async read({ maxAgeMs = 0, signal } = {}) {
      signal?.throwIfAborted();
      if (ending.signal.aborted) return last ?? { readAtMs: clock.nowMs(), devices: [], problems: [] };
      if (last !== undefined && clock.nowMs() - last.readAtMs < maxAgeMs) return last;
      return await orAborted(startReading(0), signal);
    },
    latest: () => last,
    watch(hear, intervalMs) {
      const key = {};
      if (!ending.signal.aborted) {
        listeners.set(key, { hear, intervalMs });
        void poll();
      }
      return () => {
        listeners.delete(key);
        if (listeners.size === 0) timer?.cancel();
      };
    },
    forgetDeviceList: () => list?.forget(),
    close: () => (closing ??= end()),
  };
}
