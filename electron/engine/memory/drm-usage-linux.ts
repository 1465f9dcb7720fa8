import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseDrmFdinfo, type DrmClient } from './drm-fdinfo.ts';
import { readTextIfAny } from './read-text.ts';

export interface DrmUsage {
  /**
   * Bytes by process on the GPU at a PCI address; with `isUnified`, those in system memory too. Undefined if none of the
   * processes tells of any GPU: then it is as likely that the kernel (before 5.19) or its permissions keep it from them.
   */
  of(pciAddress: string, isUnified: boolean): ReadonlyMap<number, number> | undefined;
}

/**
 * What these processes hold on GPUs whose drivers tell it (amdgpu, i915, xe). A process whose files are not for us counts
 * as holding nothing as long as another's are.
 */
export async function readDrmUsage(root: string, pids: readonly number[]): Promise<DrmUsage> {
  const clients = new Map(
    await Promise.all(
      pids.map(async (pid) => [pid, await readClients(path.join(root, 'proc', String(pid), 'fdinfo'))] as const),
    ),
  );
  const isTold = pids.length === 0 || [...clients.values()].some((ofPid) => ofPid.length > 0);
  return {
    of(pciAddress, isUnified) {
      if (!isTold) return undefined;
      const used = new Map<number, number>();
      for (const [pid, ofPid] of clients) {
        let bytes = 0;
        for (const client of ofPid) {
          if (client.pciAddress === pciAddress) bytes += client.deviceBytes + (isUnified ? client.systemBytes : 0);
        }
        if (bytes > 0) used.set(pid, bytes);
      }
      return used;
    },
  };
}

async function readClients(folder: string): Promise<readonly DrmClient[]> {
  const names = await readdir(folder).catch(() => [] as string[]); // Gone meanwhile, or another user's.
  const texts = await Promise.all(names.map((name) => readTextIfAny(path.join(folder, name))));
  const clients = new Map<string, DrmClient>();
  for (const text of texts) {
    const client = text === undefined ? undefined : parseDrmFdinfo(text);
    // Kernels before 5.19 give no client id; then every file counts.
    if (client !== undefined) clients.set(`${client.pciAddress} ${client.clientId || String(clients.size)}`, client);
  }
  return [...clients.values()];
}
