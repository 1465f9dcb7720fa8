import { totalmem } from 'node:os';
import { probeFailure } from './probe-failure.ts';
import type { SystemMemory } from './system-memory.ts';
import { stdoutOf, type ToolRunner } from './tool-runner.ts';
import { parseVmStat } from './vm-stat.ts';

/** By name only where a test puts another in front: macOS has it nowhere else. */
const VM_STAT = ['vm_stat', '/usr/bin/vm_stat'];

/** `os.freemem()` leaves out what macOS would hand over at once, which is most of it. Throws `probe-failed`. */
export async function readDarwinSystemMemory(runner: ToolRunner, signal: AbortSignal): Promise<SystemMemory> {
  const output = await runner.run(VM_STAT, [], { signal });
  if (output === undefined) throw probeFailure('There is no vm_stat on this machine');
  const totalBytes = totalmem();
  return { totalBytes, availableBytes: Math.min(totalBytes, parseVmStat(stdoutOf(output, 'vm_stat')).availableBytes) };
}
