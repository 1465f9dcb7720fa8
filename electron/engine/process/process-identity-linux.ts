import { readFile } from 'node:fs/promises';

/**
 * Tells a process from any other that had or will have its pid: the boot and the tick it was started at. Undefined if
 * there is no such process or it is a zombie. Source: proc(5), field 22 of /proc/[pid]/stat.
 */
export async function readProcessIdentity(pid: number): Promise<string | undefined> {
  try {
    const [stat, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The second field is the name in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const startTick = fields[19];
    if (state === 'Z' || state === 'X' || startTick === undefined) return undefined;
    return `${bootId.trim()}:${startTick}`;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw thrown;
  }
}
