import { addBytes, RAM, type DeviceBytes, type DeviceFacts, type ModelNeed } from './device-facts.ts';

/** Where a model goes. */
export interface Placement {
  /** Accelerators, in the order of their shares; empty: the processor alone. */
  readonly devices: readonly string[];
  /** What is reserved of each device, system memory included. */
  readonly bytes: DeviceBytes;
  /** Part of each of `devices`, for `--tensor-split`; empty unless it is split. */
  readonly split: readonly number[];
  /** There are accelerators it may use and does not: they have to be named on the command line. */
  readonly isSubset: boolean;
  /** Some layers stay on the processor, because no accelerator can have all. */
  readonly isPartial: boolean;
}

/** What llama-server takes of an accelerator before the first layer; less than this is no use to anybody. */
const LEAST_SHARE_BYTES = 512 * 1024 * 1024;

/**
 * Finds a place for a need in what is available (bytes a device may still get). Accelerators first: the one with the least
 * room that has enough, so that large holes stay for large models; then as few as possible that have enough together, in
 * proportion to their room. Whole on the processor if it may not be offloaded or there is no accelerator. A model with
 * automatic layers that no set of accelerators holds even when empty (`devices`' budgets) is put on them in part.
 * Undefined if there is no place now. Pure.
 */
export function findPlacement(
  need: ModelNeed,
  devices: readonly DeviceFacts[],
  available: DeviceBytes,
): Placement | undefined {
  const accelerators = usableAccelerators(need, devices);
  const ram = ramOf(devices);
  // An accelerator without memory of its own has the host's part to bear, too.
  const hostPart = (device: string): number => (device === ram ? need.hostBytes : 0);
  const room = (device: string): number => (available.get(device) ?? 0) - hostPart(device);
  const roomInRam = available.get(ram) ?? Number.POSITIVE_INFINITY; // Unknown system memory is no reason to refuse.
  const onProcessor = (): Placement | undefined =>
    need.cpuBytes > roomInRam
      ? undefined
      : placeOn([], [], need.cpuBytes, { isSubset: accelerators.length > 0, isPartial: false });
  if (accelerators.length === 0) return onProcessor();
  if (need.hostBytes > roomInRam) return undefined;

  const byRoom = accelerators.map(({ id }) => id).toSorted((one, other) => room(one) - room(other));
  const single = byRoom.find((device) => room(device) >= need.offloadedBytes);
  if (single !== undefined) return placeWhole([single], [need.offloadedBytes]);
  const widest = byRoom.toReversed();
  for (let count = 2; count <= widest.length; count += 1) {
    const chosen = widest.slice(0, count);
    const shares = shareOut(need, chosen.map(room));
    if (shares !== undefined) return placeWhole(chosen, shares);
  }

  if (need.offload === 'all') return undefined;
  const empty = accelerators.map((device) => Math.max(0, emptyRoomOf(device, false) - hostPart(device.id)));
  if (holdsTogether(need, empty)) return undefined;
  if (accelerators.some(({ id }) => id === ram)) return onProcessor();
  // It takes all that the accelerators may give; what models hold of that is waited for, or it would crawl for good.
  if (accelerators.some(({ id }, index) => room(id) < (empty[index] ?? 0))) return undefined;
  const onAccelerators = empty.reduce((sum, each) => sum + each, 0);
  if (onAccelerators < LEAST_SHARE_BYTES) return onProcessor();
  const left = need.hostBytes + Math.max(0, need.offloadedBytes - onAccelerators);
  if (left > roomInRam) return undefined;
  return placeOn(
    accelerators.map(({ id }) => id),
    empty,
    left,
    { isSubset: false, isPartial: true },
  );

  function placeWhole(chosen: readonly string[], shares: readonly number[]): Placement {
    return placeOn(chosen, shares, need.hostBytes, {
      isSubset: chosen.length < accelerators.length,
      isPartial: false,
    });
  }

  function placeOn(
    chosen: readonly string[],
    shares: readonly number[],
    hostBytes: number,
    kind: Pick<Placement, 'isSubset' | 'isPartial'>,
  ): Placement {
    const onDevices = new Map(chosen.map((device, index) => [device, shares[index] ?? 0]));
    return {
      devices: chosen,
      bytes: hostBytes > 0 ? addBytes(onDevices, new Map([[ram, hostBytes]])) : onDevices,
      split: chosen.length > 1 && !kind.isPartial ? normalise(shares) : [],
      ...kind,
    };
  }
}

/** Whether a need could be met if nothing else were loaded; other programs' use counts unless `ignoresOthers`. Pure. */
export function fitsAlone(need: ModelNeed, devices: readonly DeviceFacts[], { ignoresOthers = false } = {}): boolean {
  return findPlacement(need, devices, emptyRoom(devices, ignoresOthers)) !== undefined;
}

/** What devices could give if nothing of ours were on them. Pure. */
export function emptyRoom(devices: readonly DeviceFacts[], ignoresOthers = false): Map<string, number> {
  return new Map(devices.map((device) => [device.id, emptyRoomOf(device, ignoresOthers)]));
}

function emptyRoomOf({ budgetBytes, totalBytes, usedByOthersBytes }: DeviceFacts, ignoresOthers: boolean): number {
  return Math.max(0, Math.min(budgetBytes, totalBytes - (ignoresOthers ? 0 : usedByOthersBytes)));
}

function usableAccelerators(need: ModelNeed, devices: readonly DeviceFacts[]): DeviceFacts[] {
  if (need.offload === 'none') return [];
  const wanted = need.devices;
  return devices.filter(({ id, kind }) => kind !== 'ram' && (wanted.length === 0 || wanted.includes(id)));
}

/** A machine whose accelerator shares its memory has one device for both. */
function ramOf(devices: readonly DeviceFacts[]): string {
  return devices.find(({ kind }) => kind === 'ram')?.id ?? devices.find(({ kind }) => kind === 'unified')?.id ?? RAM;
}

/** Whether accelerators with this room hold the whole of it, the roomiest first. */
function holdsTogether(need: ModelNeed, rooms: readonly number[]): boolean {
  const widest = rooms.toSorted((one, other) => other - one);
  if ((widest[0] ?? 0) >= need.offloadedBytes) return true;
  return widest.some((_, index) => index > 0 && shareOut(need, widest.slice(0, index + 1)) !== undefined);
}

/** In proportion to the room; undefined if it does not suffice. */
function shareOut(need: ModelNeed, rooms: readonly number[]): number[] | undefined {
  const overhead = need.perDeviceBytes;
  const usable = rooms.map((each) => Math.max(0, each - overhead));
  const total = usable.reduce((sum, each) => sum + each, 0);
  const layers = need.offloadedBytes - overhead;
  if (
    layers <= 0 ||
    layers > total ||
    usable.some((each) => each < Math.min(LEAST_SHARE_BYTES, layers / rooms.length / 2))
  )
    return undefined;
  return usable.map((each) => overhead + (layers * each) / total);
}

function normalise(shares: readonly number[]): number[] {
  const total = shares.reduce((sum, each) => sum + each, 0);
  return shares.map((share) => Math.round((share / total) * 1000) / 1000);
}
