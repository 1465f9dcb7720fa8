import type { SystemMemory } from './system-memory.ts';

/** A control group's limit and what counts against it. */
export interface CgroupUsage {
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** Pages of files that the kernel drops before it lets the group run out (`inactive_file`). */
  readonly reclaimableBytes: number;
}

/** A folder of one group, with the names its files have there. */
export interface CgroupFolder {
  readonly folder: string;
  readonly limitFile: 'memory.max' | 'memory.limit_in_bytes';
  readonly usageFile: 'memory.current' | 'memory.usage_in_bytes';
  readonly reclaimableField: 'inactive_file' | 'total_inactive_file';
}

/**
 * Where the limits that hold for a process may stand, from its own group up to the root: each of them holds. `text` is
 * /proc/self/cgroup (cgroups(7)); `0::/path` is version 2, a line whose controllers name `memory` version 1. In a container
 * the path may be the host's and lead nowhere, and the container's own group is the root of the mount, which is always
 * among them. Pure.
 */
export function cgroupFolders(text: string): readonly CgroupFolder[] {
  return text.split('\n').flatMap((line): readonly CgroupFolder[] => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') {
      return upwards(path).map((folder) => ({
        folder: `sys/fs/cgroup${folder}`,
        limitFile: 'memory.max',
        usageFile: 'memory.current',
        reclaimableField: 'inactive_file',
      }));
    }
    if (!controllers.split(',').includes('memory')) return [];
    return upwards(path).map((folder) => ({
      folder: `sys/fs/cgroup/memory${folder}`,
      limitFile: 'memory.limit_in_bytes',
      usageFile: 'memory.usage_in_bytes',
      reclaimableField: 'total_inactive_file',
    }));
  });
}

function upwards(path: string): readonly string[] {
  // A path that climbs is one from outside a namespace: only the root of the mount means anything here.
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.includes('..')) return [''];
  return Array.from({ length: parts.length + 1 }, (_, dropped) =>
    parts
      .slice(0, parts.length - dropped)
      .map((part) => `/${part}`)
      .join(''),
  );
}

/** From the three files' text. Undefined if there is no limit (`max`) or one of the files makes no sense. Pure. */
export function parseCgroupUsage(
  folder: CgroupFolder,
  files: { readonly limit: string; readonly usage: string; readonly stat: string },
): CgroupUsage | undefined {
  const [limit, usage] = [files.limit.trim(), files.usage.trim()];
  if (!/^\d{1,20}$/.test(limit) || !/^\d{1,20}$/.test(usage)) return undefined;
  const reclaimable = new RegExp(`^${folder.reclaimableField} (\\d{1,20})$`, 'm').exec(files.stat)?.[1];
  return { limitBytes: Number(limit), usedBytes: Number(usage), reclaimableBytes: Number(reclaimable ?? 0) };
}

/** What is left to a process in these groups. No limit of version 1 is a number larger than any machine. Pure. */
export function withinCgroups(machine: SystemMemory, groups: readonly CgroupUsage[]): SystemMemory {
  return groups.reduce((memory, { limitBytes, usedBytes, reclaimableBytes }) => {
    if (limitBytes >= machine.totalBytes) return memory;
    const heldBytes = Math.max(0, usedBytes - reclaimableBytes);
    return {
      totalBytes: Math.min(memory.totalBytes, limitBytes),
      availableBytes: Math.min(memory.availableBytes, Math.max(0, limitBytes - heldBytes)),
    };
  }, machine);
}
