import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { DeviceReading } from '../ports/memory-probe.ts';
import { listDrmCards, readByteCount, type DrmCard } from './drm-cards-linux.ts';
import { readDrmUsage } from './drm-usage-linux.ts';

const INTEL_VENDOR_ID = '8086';

/**
 * Intel's cards from what their drivers tell, which is little: xe the size of each tile (`tile0/physical_vram_size_bytes`),
 * i915 only in Intel's own builds of it (`lmem_total_bytes`, `lmem_avail_bytes`). Cards that tell no size, and graphics
 * inside processors, are left to llama-server's list.
 */
export async function readIntelSysfs(root: string, pids: readonly number[]): Promise<readonly DeviceReading[]> {
  const cards = await listDrmCards(root, INTEL_VENDOR_ID);
  if (cards.length === 0) return [];
  const usage = await readDrmUsage(root, pids);
  const readings = await Promise.all(
    cards.map(async (card): Promise<DeviceReading | undefined> => {
      const [xeBytes, i915Bytes, freeBytes] = await Promise.all([
        sumTiles(card),
        readByteCount(path.join(card.cardFolder, 'lmem_total_bytes')),
        readByteCount(path.join(card.cardFolder, 'lmem_avail_bytes')),
      ]);
      const totalBytes = xeBytes ?? i915Bytes;
      if (totalBytes === undefined || totalBytes === 0) return undefined;
      return {
        id: card.pciAddress,
        kind: 'gpu',
        vendor: 'intel',
        name: `Intel GPU ${card.pciId}`,
        uuid: card.pciAddress,
        pciAddress: card.pciAddress,
        totalBytes,
        freeBytes: xeBytes === undefined ? freeBytes : undefined,
        usedByPid: usage.of(card.pciAddress, false),
      };
    }),
  );
  return readings.filter((reading) => reading !== undefined);
}

async function sumTiles(card: DrmCard): Promise<number | undefined> {
  const names = (await readdir(card.deviceFolder).catch(() => [] as string[])).filter((name) => /^tile\d+$/.test(name));
  const sizes = await Promise.all(
    names.map((name) => readByteCount(path.join(card.deviceFolder, name, 'physical_vram_size_bytes'))),
  );
  const known = sizes.filter((size) => size !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, size) => sum + size, 0);
}
