import type { ProbedDevice } from '../../../../electron/engine/memory/merge-devices.ts';
import type { DeviceReading } from '../../../../electron/engine/ports/memory-probe.ts';
import { MIB } from './fixtures.ts';

/** A reading of a GPU with 24 GiB, half of it free, unless told otherwise. */
export function deviceReading(overrides: Partial<DeviceReading> = {}): DeviceReading {
  return {
    id: 'GPU-1',
    kind: 'gpu',
    vendor: 'nvidia',
    name: 'NVIDIA GeForce RTX 3090',
    uuid: undefined,
    pciAddress: undefined,
    totalBytes: 24576 * MIB,
    freeBytes: 12288 * MIB,
    usedByPid: undefined,
    ...overrides,
  };
}

export function probedDevice(overrides: Partial<ProbedDevice> = {}): ProbedDevice {
  return {
    ...deviceReading(overrides),
    probe: 'vendor',
    readAtMs: 0,
    isStale: false,
    problem: undefined,
    ...overrides,
  };
}

export const ramReading: DeviceReading = deviceReading({
  id: 'RAM',
  kind: 'ram',
  vendor: 'system',
  name: 'System memory',
  totalBytes: 65536 * MIB,
  freeBytes: 40000 * MIB,
});
