import type { ProcessMemory } from './ram.ts';
import path from 'node:path';
import { readTextIfAny } from './read-text.ts';
import { BYTES_PER_KIB } from './tool-values.ts';

/** x86 has no other; where pages are larger, smaps_rollup (4.14 and later) is read first and tells kB. */
const PAGE_BYTES = 4096;

/**
 * System memory by process: its proportional share (Pss), so that a page which two models map is not counted twice. Counts
 * pages of mapped weights that are in memory. Source: proc_pid_smaps(5), proc_pid_statm(5).
 */
export async function readLinuxProcessMemory(root: string, pids: readonly number[]): Promise<ProcessMemory> {
  const used = new Map<number, number>();
  const held = new Map<number, number>();
  await Promise.all(
    pids.map(async (pid) => {
      const folder = path.join(root, 'proc', String(pid));
      const rollup = await readTextIfAny(path.join(folder, 'smaps_rollup'));
      const bytes = parsePss(rollup ?? '') ?? parseStatm((await readTextIfAny(path.join(folder, 'statm'))) ?? '');
      if (bytes === undefined) return;
      used.set(pid, bytes);
      held.set(pid, parseAnonymous(rollup ?? '') ?? bytes);
    }),
  );
  return { used, held };
}

/** The `Pss:` line of smaps_rollup, in bytes. Undefined if there is none. */
export function parsePss(text: string): number | undefined {
  const kibibytes = /^Pss:\s+(\d{1,15}) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * BYTES_PER_KIB;
}

/** What no file stands behind, in bytes: `Pss_Anon:` and `Pss_Shmem:` of smaps_rollup (5.9 and later). */
export function parseAnonymous(text: string): number | undefined {
  const found = ['Pss_Anon', 'Pss_Shmem'].map(
    (name) => new RegExp(`^${name}:\\s+(\\d{1,15}) kB$`, 'm').exec(text)?.[1],
  );
  if (found.every((each) => each === undefined)) return undefined;
  return found.reduce((sum, each) => sum + Number(each ?? 0), 0) * BYTES_PER_KIB;
}

/** The resident pages of statm, in bytes. Undefined if it is no statm. */
export function parseStatm(text: string): number | undefined {
  const pages = /^\d+ (\d{1,12})( \d+){5}\s*$/.exec(text)?.[1];
  return pages === undefined ? undefined : Number(pages) * PAGE_BYTES;
}
