import { readFile, readdir } from 'node:fs/promises';

export interface LiveProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/**
 * The processes, zombies left out, whose environment was given `NAME=value` when they were started. `kill -0` would also
 * find zombies, and a pid alone could be anybody's. Linux only.
 */
export async function findLiveProcesses(name: string, value: string): Promise<LiveProcess[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [stat, environ, commandLine] = await Promise.all([
          readFile(`/proc/${pid}/stat`, 'utf8'),
          readFile(`/proc/${pid}/environ`, 'utf8'),
          readFile(`/proc/${pid}/cmdline`, 'utf8'),
        ]);
        const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
        const isOurs = environ.split('\0').includes(`${name}=${value}`);
        return isOurs && state !== 'Z'
          ? { pid: Number(pid), commandLine: commandLine.replaceAll('\0', ' ').trim() }
          : undefined;
      } catch {
        return undefined; // It ended while we looked, or is another user's.
      }
    }),
  );
  return found.filter((each) => each !== undefined);
}
