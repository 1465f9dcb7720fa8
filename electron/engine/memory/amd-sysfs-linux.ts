import path from 'node:path';
import type { DeviceReading } from '../ports/memory-probe.ts';
import { listDrmCards, readByteCount, type DrmCard } from './drm-cards-linux.ts';
import { readDrmUsage, type DrmUsage } from './drm-usage-linux.ts';
import { readBytesIfAny, readTextIfAny } from './read-text.ts';
import type { SystemMemory } from './system-memory.ts';
import { namedText } from './tool-values.ts';

const AMD_VENDOR_ID = '1002';

/**
 * AMD's GPUs from what the amdgpu driver tells: no tool, no permission, no waking of a GPU that sleeps. Sources: Linux,
 * Documentation/gpu/amdgpu/driver-misc.rst (mem_info_vram_total …), kgd_pp_interface.h (gpu_metrics).
 */
export async function readAmdSysfs(
  root: string,
  pids: readonly number[],
  readSystemMemory: () => Promise<SystemMemory>,
): Promise<readonly DeviceReading[]> {
  const cards = await listDrmCards(root, AMD_VENDOR_ID);
  if (cards.length === 0) return [];
  const usage = await readDrmUsage(root, pids);
  const readings = await Promise.all(cards.map((card) => readCard(card, usage, readSystemMemory)));
  return readings.filter((reading) => reading !== undefined);
}

async function readCard(
  card: DrmCard,
  usage: DrmUsage,
  readSystemMemory: () => Promise<SystemMemory>,
): Promise<DeviceReading | undefined> {
  const read = (file: string): Promise<number | undefined> => readByteCount(path.join(card.deviceFolder, file));
  const [vramTotal, vramUsed, gttTotal, gttUsed, productName, metrics] = await Promise.all([
    read('mem_info_vram_total'),
    read('mem_info_vram_used'),
    read('mem_info_gtt_total'),
    read('mem_info_gtt_used'),
    readTextIfAny(path.join(card.deviceFolder, 'product_name')),
    readBytesIfAny(path.join(card.deviceFolder, 'gpu_metrics')),
  ]);
  if (vramTotal === undefined || vramTotal === 0) return undefined; // Another driver holds it (vfio, radeon).
  const vramFree = vramUsed === undefined ? undefined : Math.max(0, vramTotal - vramUsed);
  const isUnified = isIntegrated(metrics, vramTotal, gttTotal);
  const common = {
    id: card.pciAddress,
    vendor: 'amd',
    // Only server cards have a product name; llama-server has names for the others.
    name: namedText(productName) ?? `AMD GPU ${card.pciId}`,
    uuid: card.pciAddress,
    pciAddress: card.pciAddress,
    usedByPid: usage.of(card.pciAddress, isUnified),
  } as const;
  if (!isUnified || gttTotal === undefined) {
    return { ...common, kind: 'gpu', totalBytes: vramTotal, freeBytes: vramFree };
  }
  // The part set aside for it, and what it may take of the rest (GTT) as far as that is not in use by others.
  const { availableBytes } = await readSystemMemory();
  const gttFree = gttUsed === undefined ? undefined : Math.min(Math.max(0, gttTotal - gttUsed), availableBytes);
  return {
    ...common,
    kind: 'unified',
    totalBytes: vramTotal + gttTotal,
    freeBytes: vramFree === undefined || gttFree === undefined ? undefined : vramFree + gttFree,
  };
}

/**
 * Whether it shares the processor's memory. The third byte of gpu_metrics tells: revisions 2 and 3 of the table are those of
 * processors with graphics, 1 those of cards. Kernels before 5.10 lack the file; there, a GPU that may take more of the
 * system's memory than it has, and has no more than a firmware sets aside, is integrated.
 */
function isIntegrated(metrics: Buffer | undefined, vramTotal: number, gttTotal: number | undefined): boolean {
  const revision = metrics !== undefined && metrics.length >= 4 ? metrics[2] : undefined;
  if (revision === 1 || revision === 2 || revision === 3) return revision !== 1;
  return vramTotal <= 2 ** 31 && gttTotal !== undefined && gttTotal > vramTotal;
}
