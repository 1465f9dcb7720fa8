import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../ports/logger.ts';

/**
 * Set in the environment of every child, and so of all that they start: whatever has it and is not ours was left behind
 * by a Corral of the same data folder, even if it left its process group and its parent is long gone.
 */
export const OWNER_VARIABLE = 'CORRAL_OWNER';

const PATIENCE_MS = 1000;
const LOOK_MS = 50;

/**
 * Ends the processes with this mark that got away: politely, and after a second for good. Only for the holder of the data
 * folder, before it has children or after it has had them. Processes of other users cannot be looked at, and are none
 * of ours. Source: proc(5), /proc/[pid]/environ.
 */
export async function endLeftovers(ownerMark: string, logger: Logger): Promise<void> {
  const left = await findMarked(ownerMark);
  if (left.length === 0) return;
  logger.log('warn', `Ending ${left.length} processes that left their group and outlived their model`, {
    pids: left.join(','),
  });
  for (const pid of left) signalProcess(pid, 'SIGTERM');
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_MS) {
    await pause(LOOK_MS);
    if ((await findMarked(ownerMark)).length === 0) return;
  }
  for (const pid of await findMarked(ownerMark)) signalProcess(pid, 'SIGKILL');
}

async function findMarked(ownerMark: string): Promise<number[]> {
  const entry = `${OWNER_VARIABLE}=${ownerMark}`;
  const own = await readAncestors();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(
      async (pid) => !own.has(pid) && (await readText(`/proc/${pid}/environ`))?.split('\0').includes(entry) === true,
    ),
  );
  return pids.filter((_pid, index) => marked[index]);
}

/** This process and those it descends from: Corral may well have been started from a terminal that a child opened. */
async function readAncestors(): Promise<ReadonlySet<number>> {
  const ancestors = new Set<number>();
  for (let pid = process.pid; pid > 1 && !ancestors.has(pid);) {
    ancestors.add(pid);
    const stat = (await readText(`/proc/${pid}/stat`)) ?? '';
    pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  }
  return ancestors;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    // Gone meanwhile, or somebody else's.
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw thrown;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
