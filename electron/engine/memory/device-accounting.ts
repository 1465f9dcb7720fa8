import type { DeviceFacts } from './device-facts.ts';
import type { MemoryDevice } from './merge-devices.ts';

/** One of our processes, as far as memory goes. */
export interface Holder {
  readonly modelId: string;
  readonly pid: number | undefined;
  /** What is reserved for it, by device. */
  readonly held: ReadonlyMap<string, number>;
  /** Loaded and not about to go: it has taken what it holds. */
  readonly isSettled: boolean;
}

export interface AccountingSettings {
  readonly reserveBytes: number;
  readonly budgetsBytes: Readonly<Record<string, number>>;
}

/**
 * What a reading means for placement. What other programs use is what is taken and not ours; while one of our models loads
 * or goes and the device does not tell whose its memory is, the figure of before is kept (`before`). Devices that
 * llama-server does not offer are left out: nothing can be put on them. Pure.
 */
export function accountDevices(
  devices: readonly MemoryDevice[],
  holders: readonly Holder[],
  settings: AccountingSettings,
  before: ReadonlyMap<string, DeviceFacts>,
): DeviceFacts[] {
  return devices
    .filter((device) => device.kind === 'ram' || device.isListed === true)
    .map((device) => {
      const { id, kind, totalBytes } = device;
      const configured = budgetOf(device, settings);
      const budgetBytes = Math.max(
        0,
        Math.min(totalBytes - settings.reserveBytes, configured ?? Number.POSITIVE_INFINITY),
      );
      const usedByOthersBytes = usedByOthers(device, holders) ?? before.get(id)?.usedByOthersBytes ?? 0;
      return { id, kind, totalBytes, budgetBytes, usedByOthersBytes };
    });
}

/**
 * Budgets for devices that are not there. None as long as llama-server has not told which it offers: a name could be one it
 * will give. Pure.
 */
export function findIdleBudgets(devices: readonly MemoryDevice[], { budgetsBytes }: AccountingSettings): string[] {
  if (devices.every(({ isListed }) => isListed === undefined)) return [];
  const names = new Set(devices.flatMap(({ id, aliases }) => [id, ...aliases]));
  return Object.keys(budgetsBytes).filter((name) => !names.has(name));
}

/** A budget may name a device by any of its names. */
function budgetOf({ id, aliases }: MemoryDevice, { budgetsBytes }: AccountingSettings): number | undefined {
  const name = [id, ...aliases].find((each) => Object.hasOwn(budgetsBytes, each));
  return name === undefined ? undefined : budgetsBytes[name];
}

function usedByOthers(device: MemoryDevice, holders: readonly Holder[]): number | undefined {
  const { totalBytes, freeBytes } = device;
  const heldByPid = device.heldByPid ?? device.usedByPid;
  if (freeBytes === undefined) return undefined;
  const taken = totalBytes - freeBytes;
  if (heldByPid !== undefined) {
    const ours = holders.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : (heldByPid.get(pid) ?? 0)), 0);
    return Math.max(0, taken - ours);
  }
  if (!holders.every(({ isSettled }) => isSettled)) return undefined;
  return Math.max(0, taken - holders.reduce((sum, { held }) => sum + (held.get(device.id) ?? 0), 0));
}
