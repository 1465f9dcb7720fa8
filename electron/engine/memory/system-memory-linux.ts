import path from 'node:path';
import { cgroupFolders, parseCgroupUsage, withinCgroups } from './cgroup-limit.ts';
import type { CgroupFolder, CgroupUsage } from './cgroup-limit.ts';
import { parseMeminfo } from './meminfo.ts';
import { readTextIfAny } from './read-text.ts';
import type { SystemMemory } from './system-memory.ts';

/** The machine's memory, or what its control groups leave this process of it. Throws `probe-failed`. */
export async function readLinuxSystemMemory(root: string): Promise<SystemMemory> {
  const [meminfo, cgroup] = await Promise.all([
    readTextIfAny(path.join(root, 'proc/meminfo')),
    readTextIfAny(path.join(root, 'proc/self/cgroup')),
  ]);
  const groups = await Promise.all(cgroupFolders(cgroup ?? '').map((folder) => readUsage(root, folder)));
  return withinCgroups(
    parseMeminfo(meminfo ?? ''),
    groups.filter((group) => group !== undefined),
  );
}

async function readUsage(root: string, group: CgroupFolder): Promise<CgroupUsage | undefined> {
  const read = async (file: string): Promise<string> =>
    (await readTextIfAny(path.join(root, group.folder, file))) ?? '';
  const [limit, usage, stat] = await Promise.all([read(group.limitFile), read(group.usageFile), read('memory.stat')]);
  return parseCgroupUsage(group, { limit, usage, stat });
}
