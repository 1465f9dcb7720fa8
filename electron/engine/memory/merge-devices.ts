import type { DeviceReading } from '../ports/memory-probe.ts';
import { backendOf } from './listed-devices.ts';

/** A device as one probe told of it, and how good that is. */
export interface ProbedDevice extends DeviceReading {
  /** The name of the probe that told what is free. */
  readonly probe: string;
  /** When it was asked, on the monotonic clock. */
  readonly readAtMs: number;
  /** The probe has failed since; this is what it said last. */
  readonly isStale: boolean;
  /** Why it is stale, for people. */
  readonly problem: string | undefined;
}

export interface MemoryDevice extends ProbedDevice {
  /** Whether llama-server offers the device (`--device`). Undefined where it does not tell. */
  readonly isListed: boolean | undefined;
  /** Further names by which llama-server offers it, through other backends. */
  readonly aliases: readonly string[];
}

/**
 * One list of the devices that vendors' tools and llama-server's list tell of: those that are listed in the order of the list,
 * then other GPUs, system memory last.
 *
 * The list names neither uuid nor PCI address. So a listed device is taken to be the vendor's device that is most like it:
 * of the same vendor, and, in this order, of the same name already (`CUDA0`), of the same kind, called alike, of the same
 * size; equal devices pair off in their order, which is PCI order on both sides. Backends that list the same devices again
 * (Vulkan beside CUDA) add names to them. The list's names win, and its sizes where the memory is shared with the system;
 * what is free and who takes it comes from the vendor's tool as long as that answers. Pure.
 */
export function mergeDevices(
  vendors: readonly ProbedDevice[],
  listed: readonly ProbedDevice[],
): readonly MemoryDevice[] {
  const known: Entry[] = combineSame(vendors.filter((device) => device.kind !== 'ram')).map((vendor) => ({
    vendor,
    listed: [],
  }));
  for (const backend of new Set(listed.map((device) => backendOf(device.id)))) {
    const ofBackend = listed.filter((device) => backendOf(device.id) === backend);
    const matches = matchDevices(ofBackend, known);
    for (const device of ofBackend) {
      const entry = matches.get(device);
      if (entry === undefined) known.push({ vendor: undefined, listed: [device] });
      else entry.listed.push(device);
    }
  }
  const position = (entry: Entry): number => {
    const [first] = entry.listed;
    return first === undefined ? listed.length : listed.indexOf(first);
  };
  const isListKnown = listed.length > 0;
  const gpus = known
    .toSorted((one, other) => position(one) - position(other))
    .map((entry) => toDevice(entry, isListKnown));
  const ram = vendors.filter((device) => device.kind === 'ram').slice(0, 1);
  return [...gpus, ...ram.map((device) => ({ ...device, isListed: undefined, aliases: [] }))];
}

interface Entry {
  readonly vendor: ProbedDevice | undefined;
  readonly listed: ProbedDevice[];
}

/** Two tools' readings of one device become one: the first wins, the other fills in what that does not tell. */
function combineSame(vendors: readonly ProbedDevice[]): readonly ProbedDevice[] {
  const combined: ProbedDevice[] = [];
  for (const device of vendors) {
    const index = combined.findIndex((other) => isSame(device, other));
    const first = combined[index];
    if (first === undefined) combined.push(device);
    else if (first.freeBytes === undefined || (first.isStale && !device.isStale)) {
      combined[index] = { ...device, id: first.id, usedByPid: device.usedByPid ?? first.usedByPid };
    } else combined[index] = { ...first, usedByPid: first.usedByPid ?? device.usedByPid };
  }
  return combined;
}

function isSame(one: DeviceReading, other: DeviceReading): boolean {
  if (one.uuid !== undefined && one.uuid.toLowerCase() === other.uuid?.toLowerCase()) return true;
  // The instances of a divided GPU share its address.
  const isWhole = ![one, other].some((device) => device.uuid?.startsWith('MIG-'));
  return isWhole && one.pciAddress !== undefined && one.pciAddress === other.pciAddress;
}

function matchDevices(ofBackend: readonly ProbedDevice[], entries: readonly Entry[]): ReadonlyMap<ProbedDevice, Entry> {
  const pairs = ofBackend.flatMap((device, deviceIndex) =>
    entries.flatMap((entry, entryIndex) => {
      const candidate = entry.vendor ?? entry.listed[0];
      const likeness = candidate === undefined ? undefined : likenessOf(device, candidate);
      return likeness === undefined ? [] : [{ device, entry, rank: [...likeness, deviceIndex, entryIndex] }];
    }),
  );
  pairs.sort((one, other) => compareRanks(one.rank, other.rank));
  const matches = new Map<ProbedDevice, Entry>();
  const taken = new Set<Entry>();
  for (const { device, entry } of pairs) {
    if (matches.has(device) || taken.has(entry)) continue;
    matches.set(device, entry);
    taken.add(entry);
  }
  return matches;
}

/**
 * Sizes differ between tools: CUDA leaves out some 2 % that nvidia-smi counts, Vulkan adds heaps, 6 % were seen. Names that
 * agree make more of a difference credible.
 */
const MAX_DIFFERENCE = 0.06;
const MAX_DIFFERENCE_SAME_NAME = 0.15;

/** Smaller is more alike, from the first number on; undefined if they cannot be the same. */
function likenessOf(listed: ProbedDevice, candidate: ProbedDevice): readonly number[] | undefined {
  if (listed.vendor !== candidate.vendor || listed.vendor === 'other') return undefined;
  const isSameKind = listed.kind === candidate.kind;
  const isCalledAlike = areCalledAlike(listed.name, candidate.name);
  const difference =
    Math.abs(listed.totalBytes - candidate.totalBytes) / Math.max(listed.totalBytes, candidate.totalBytes);
  // How much of the system's memory a GPU is said to have is up to each backend.
  const isShared = isSameKind && listed.kind === 'unified';
  if (!isShared && difference > (isCalledAlike ? MAX_DIFFERENCE_SAME_NAME : MAX_DIFFERENCE)) return undefined;
  return [listed.id === candidate.id ? 0 : 1, isSameKind ? 0 : 1, isCalledAlike ? 0 : 1, Math.round(difference * 100)];
}

function areCalledAlike(one: string, other: string): boolean {
  const [a, b] = [plainName(one), plainName(other)];
  return a !== '' && b !== '' && (a.includes(b) || b.includes(a));
}

/** Without marks, makers, and what a driver adds in parentheses. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/\([^()]*\)/g, ' ')
    .replace(/\b(nvidia|amd|ati|intel|corporation|graphics|gpu)\b/g, ' ')
    .replace(/[^a-z0-9.:]+/g, ' ')
    .trim();
}

function compareRanks(one: readonly number[], other: readonly number[]): number {
  const index = one.findIndex((value, position) => value !== other[position]);
  return index === -1 ? 0 : (one[index] ?? 0) - (other[index] ?? 0);
}

function toDevice({ vendor, listed: [first, ...others] }: Entry, isListKnown: boolean): MemoryDevice {
  const aliases = others.map((device) => device.id);
  if (first === undefined) {
    if (vendor === undefined) throw new Error('A device that nobody told of.');
    // Where the list is known and leaves it out, the name it would have there belongs to another.
    const id = isListKnown ? (vendor.uuid ?? vendor.pciAddress ?? vendor.id) : vendor.id;
    return { ...vendor, id, isListed: isListKnown ? false : undefined, aliases };
  }
  if (vendor === undefined) return { ...first, isListed: true, aliases };

  const isListBetter =
    vendor.freeBytes === undefined || (vendor.isStale && !first.isStale && first.readAtMs > vendor.readAtMs);
  const source = isListBetter && first.freeBytes !== undefined ? first : vendor;
  const totalBytes = vendor.kind === 'unified' ? first.totalBytes : vendor.totalBytes;
  return {
    ...vendor,
    id: first.id,
    name: first.name,
    totalBytes,
    freeBytes: source.freeBytes === undefined ? undefined : Math.min(source.freeBytes, totalBytes),
    probe: source.probe,
    readAtMs: source.readAtMs,
    isStale: source.isStale,
    problem: source.problem,
    isListed: true,
    aliases,
  };
}
