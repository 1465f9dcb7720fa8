import type { MemoryProbe } from '../ports/memory-probe.ts';
import { parseListedDevices } from './listed-devices.ts';
import { stdoutOf, type ToolRunner } from './tool-runner.ts';

/** Opening every GPU through every backend takes seconds on some machines. */
const DEADLINE_MS = 10_000;

export interface DeviceListOptions {
  readonly runner: ToolRunner;
  /** The llama-server that runs models; undefined while there is none. */
  readonly executable: () => string | undefined;
  readonly deadlineMs?: number;
}

/**
 * The devices as llama-server itself names and sees them, of any vendor. Costly: it opens each GPU, which takes time and,
 * for that while, some of the memory that is asked about. Builds from before the option have none.
 */
export function createDeviceList({ runner, executable, deadlineMs = DEADLINE_MS }: DeviceListOptions): MemoryProbe {
  return {
    name: 'llama-server --list-devices',
    async read(signal) {
      const file = executable();
      if (file === undefined) return [];
      const output = await runner.run([file], ['--list-devices'], { signal, deadlineMs });
      if (output === undefined) return [];
      if (output.exitCode !== 0 && /(invalid|unknown) argument/i.test(output.stderr + output.stdout)) return [];
      const stdout = stdoutOf(output, 'llama-server --list-devices');
      // Builds that send all they say through their log print the list on the other stream.
      return parseListedDevices(/devices:/i.test(stdout) ? stdout : output.stderr);
    },
  };
}
