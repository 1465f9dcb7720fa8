import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * What the system says of a process, from Linux' /proc (`man 5 proc`). NaN elsewhere, and a dash in the tables.
 */
export interface ProcessFigures {
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Since the last `resetPeak`. */
  readonly peakBytes: number;
  readonly descriptors: number;
}

let ticksPerSecond: Promise<number> | undefined;

async function readTicksPerSecond(): Promise<number> {
  const { stdout } = await promisify(execFile)('getconf', ['CLK_TCK']);
  return Number(stdout);
}

export async function readProcess(pid: number): Promise<ProcessFigures> {
  if (process.platform !== 'linux') {
    return { cpuMs: Number.NaN, residentBytes: Number.NaN, peakBytes: Number.NaN, descriptors: Number.NaN };
  }
  ticksPerSecond ??= readTicksPerSecond();
  const [stat, status, descriptors, ticks] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'latin1'),
    readFile(`/proc/${pid}/status`, 'latin1'),
    readdir(`/proc/${pid}/fd`),
    ticksPerSecond,
  ]);
  // Fields 14 and 15, utime and stime, counted from behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024;
  return {
    cpuMs: ((Number(fields[11]) + Number(fields[12])) / ticks) * 1000,
    residentBytes: kilobytes('VmRSS'),
    peakBytes: kilobytes('VmHWM'),
    descriptors: descriptors.length,
  };
}

/** Has the peak of resident memory begin anew: 5 means that, and nothing else, to clear_refs. */
export async function resetPeak(pid: number): Promise<void> {
  if (process.platform === 'linux') await writeFile(`/proc/${pid}/clear_refs`, '5');
}
