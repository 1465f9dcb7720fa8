import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readTextIfAny } from './read-text.ts';
import { parsePciAddress } from './tool-values.ts';

/** A GPU as the kernel lists it. */
export interface DrmCard {
  /** Of the card (`/sys/class/drm/card0`). */
  readonly cardFolder: string;
  /** Of the device behind it. */
  readonly deviceFolder: string;
  readonly pciAddress: string;
  /** `1002:744c`, vendor and device. */
  readonly pciId: string;
}

/** The vendor's GPUs in PCI order; none where there is no such folder, as in many containers. */
export async function listDrmCards(root: string, vendorId: string): Promise<readonly DrmCard[]> {
  const drmFolder = path.join(root, 'sys/class/drm');
  const names = (await readdir(drmFolder).catch(() => [] as string[])).filter((name) => /^card\d+$/.test(name));
  const cards = await Promise.all(names.map((name) => readCard(path.join(drmFolder, name))));
  return cards
    .filter((card) => card?.pciId.startsWith(`${vendorId}:`) === true)
    .filter((card) => card !== undefined)
    .sort((one, other) => (one.pciAddress < other.pciAddress ? -1 : 1));
}

/** From the device's `uevent`: `PCI_ID=1002:744C`, `PCI_SLOT_NAME=0000:03:00.0`. */
async function readCard(cardFolder: string): Promise<DrmCard | undefined> {
  const deviceFolder = path.join(cardFolder, 'device');
  const uevent = (await readTextIfAny(path.join(deviceFolder, 'uevent'))) ?? '';
  const pciId = /^PCI_ID=([0-9a-f]{4}:[0-9a-f]{4})$/im.exec(uevent)?.[1]?.toLowerCase();
  const pciAddress = parsePciAddress(/^PCI_SLOT_NAME=(.+)$/m.exec(uevent)?.[1] ?? '');
  return pciId === undefined || pciAddress === undefined ? undefined : { cardFolder, deviceFolder, pciAddress, pciId };
}

/** A whole number of bytes in a file. Undefined if there is no such file, or something else in it. */
export async function readByteCount(file: string): Promise<number | undefined> {
  const text = (await readTextIfAny(file))?.trim() ?? '';
  const bytes = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
