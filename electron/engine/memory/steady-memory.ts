import type { DeviceView, MemoryView } from '#shared/contract/memory.ts';

/** Part of a device's memory. Other programs' use flickers by less all the time, and nobody could see it in a bar. */
const NOISE_PART = 0.005;

export interface SteadyMemory {
  /** Memory as it is shown: the same object as long as nothing changed that matters. */
  view(): MemoryView;
  /** The same if it is another one than the last news; else undefined. */
  news(): MemoryView | undefined;
}

/**
 * Keeps what is shown of memory still while only noise changes, so that an idle Corral has nothing to tell and an idle window
 * nothing to draw. What models hold is always shown to the byte.
 */
export function createSteadyMemory(read: () => MemoryView): SteadyMemory {
  let shown: MemoryView | undefined;
  let told: MemoryView | undefined;

  function view(): MemoryView {
    const next = read();
    if (shown === undefined || !isAlike(shown, next)) shown = next;
    return shown;
  }

  return {
    view,
    news() {
      const current = view();
      if (current === told) return undefined;
      told = current;
      return current;
    },
  };
}

function isAlike(one: MemoryView, other: MemoryView): boolean {
  return (
    one.isGameMode === other.isGameMode &&
    one.devices.length === other.devices.length &&
    one.devices.every((device, index) => isSameDevice(device, other.devices[index]))
  );
}

function isSameDevice(one: DeviceView, other: DeviceView | undefined): boolean {
  if (other === undefined) return false;
  const noise = one.totalBytes * NOISE_PART;
  const isNear = (left: number | null, right: number | null): boolean =>
    left === right || (left !== null && right !== null && Math.abs(left - right) <= noise);
  return (
    isNear(one.freeBytes, other.freeBytes) &&
    isNear(one.usedByOthersBytes, other.usedByOthersBytes) &&
    isNear(one.budgetBytes, other.budgetBytes) &&
    JSON.stringify(exactly(one)) === JSON.stringify(exactly(other))
  );
}

/** What counts to the last byte. */
function exactly({ id, name, kind, totalBytes, models, isStale, problem }: DeviceView): unknown[] {
  return [id, name, kind, totalBytes, models, isStale, problem];
}
