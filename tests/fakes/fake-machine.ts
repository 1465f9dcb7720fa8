import type { DeviceBytes } from '../../electron/engine/memory/device-facts.ts';
import type { MemoryMonitor, MemoryReading } from '../../electron/engine/memory/memory-monitor.ts';
import type { MemoryDevice } from '../../electron/engine/memory/merge-devices.ts';
import { delay } from '../../electron/engine/ports/clock.ts';
import type { FakeClock } from './fake-clock.ts';

export interface FakeMachineDevice {
  readonly id: string;
  readonly kind: 'gpu' | 'unified' | 'ram';
  readonly totalBytes: number;
  /** Whether its driver tells which process has how much. */
  readonly tellsProcesses: boolean;
}

export interface FakeMachine {
  readonly monitor: MemoryMonitor;
  /** A process takes memory; false, and nothing is taken, if a device has too little. */
  take(pid: number, bytes: DeviceBytes): boolean;
  /** The process is gone; what it had is free `afterMs` later. */
  giveBack(pid: number, afterMs: number): void;
  /** What other programs have of a device, as far as it is free. */
  setOthers(deviceId: string, bytes: number): void;
  freeBytes(deviceId: string): number;
  /** What processes hold that are gone, of one device, the last `withinMs` long. */
  lingeringBytes(deviceId: string, withinMs: number): number;
}

interface Held {
  readonly bytes: DeviceBytes;
  goneAtMs: number | undefined;
}

/** A machine's memory: what processes take of it is missing at once, and back when the driver has got round to it. */
export function createFakeMachine(
  clock: FakeClock,
  devices: readonly FakeMachineDevice[],
  { readMs = 0 }: { readMs?: number } = {},
): FakeMachine {
  const held = new Map<number, Held>();
  const others = new Map<string, number>();
  let last: MemoryReading | undefined;

  const ofDevice = (deviceId: string): number =>
    [...held.values()].reduce((sum, { bytes }) => sum + (bytes.get(deviceId) ?? 0), 0);
  const totalOf = (deviceId: string): number => devices.find(({ id }) => id === deviceId)?.totalBytes ?? 0;
  const freeBytes = (deviceId: string): number => totalOf(deviceId) - ofDevice(deviceId) - (others.get(deviceId) ?? 0);

  function look(readAtMs: number): MemoryReading {
    return {
      readAtMs,
      problems: [],
      devices: devices.map(({ id, kind, totalBytes, tellsProcesses }): MemoryDevice => ({
        id,
        kind,
        vendor: kind === 'ram' ? 'system' : 'other',
        name: id,
        uuid: undefined,
        pciAddress: undefined,
        totalBytes,
        freeBytes: freeBytes(id),
        usedByPid: tellsProcesses
          ? new Map([...held].flatMap(([pid, { bytes }]) => (bytes.has(id) ? [[pid, bytes.get(id) ?? 0]] : [])))
          : undefined,
        probe: 'fake',
        readAtMs,
        isStale: false,
        problem: undefined,
        isListed: kind === 'ram' ? undefined : true,
        aliases: [],
      })),
    };
  }

  return {
    monitor: {
      async read({ maxAgeMs = 0 } = {}) {
        if (last !== undefined && clock.nowMs() - last.readAtMs < maxAgeMs) return last;
        const readAtMs = clock.nowMs();
        if (readMs > 0) await delay(clock, readMs);
        last = look(readAtMs);
        return last;
      },
      latest: () => last,
      watch: () => () => undefined,
      forgetDeviceList: () => undefined,
      close: () => Promise.resolve(),
    },
    take(pid, bytes) {
      if ([...bytes].some(([deviceId, wanted]) => wanted > freeBytes(deviceId))) return false;
      held.set(pid, { bytes, goneAtMs: undefined });
      return true;
    },
    giveBack(pid, afterMs) {
      const process = held.get(pid);
      if (process === undefined) return;
      process.goneAtMs = clock.nowMs();
      clock.setTimer(afterMs, () => held.delete(pid));
    },
    setOthers: (deviceId, bytes) =>
      void others.set(deviceId, Math.min(bytes, freeBytes(deviceId) + (others.get(deviceId) ?? 0))),
    freeBytes,
    lingeringBytes: (deviceId, withinMs) =>
      [...held.values()].reduce(
        (sum, { bytes, goneAtMs }) =>
          goneAtMs !== undefined && clock.nowMs() - goneAtMs < withinMs ? sum + (bytes.get(deviceId) ?? 0) : sum,
        0,
      ),
  };
}
