import type { ToolRunner } from './tool-runner.ts';
import { BYTES_PER_KIB, parsePid } from './tool-values.ts';

/**
 * Resident memory by process, from ps; what Metal wired for it counts. Undefined if ps does not answer. A process that is
 * gone is missing, and ps then ends with exit code 1.
 */
export async function readDarwinProcessMemory(
  runner: ToolRunner,
  pids: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number> | undefined> {
  if (pids.length === 0) return new Map();
  const output = await runner.run(['ps', '/bin/ps'], ['-o', 'pid=,rss=', '-p', pids.join(',')], { signal });
  return output === undefined ? undefined : parseRssRows(output.stdout);
}

/** Lines of a pid and kibibytes; what is no such line is left out. */
export function parseRssRows(text: string): ReadonlyMap<number, number> {
  const used = new Map<number, number>();
  for (const line of text.split('\n')) {
    const [, pidText, kibibytes] = /^\s*(\d{1,10})\s+(\d{1,15})\s*$/.exec(line) ?? [];
    const pid = parsePid(pidText ?? '');
    if (pid !== undefined) used.set(pid, Number(kibibytes) * BYTES_PER_KIB);
  }
  return used;
}
