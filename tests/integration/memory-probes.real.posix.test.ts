import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryMonitor, type MemoryMonitor } from '../../electron/engine/memory/memory-monitor.ts';
import { createPlatformProbes } from '../../electron/engine/memory/platform-probes.ts';
import { systemClock } from '../../electron/engine/ports/clock.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';

let monitor: MemoryMonitor | undefined;
afterEach(() => monitor?.close());

describe('this machine', { timeout: 300_000 }, () => {
  it('has memory, which is told with our share of it, and the devices that the real llama-server lists', async () => {
    const executable = await ensureRealLlamaServer();
    monitor = createMemoryMonitor({
      ...createPlatformProbes({
        platform: process.platform,
        env: process.env,
        clock: systemClock,
        pids: () => [process.pid],
        engineExecutable: () => executable,
      }),
      clock: systemClock,
    });
    const { devices, problems } = await monitor.read();
    expect(problems.filter(({ probe }) => probe === 'system memory' || probe.startsWith('llama-server'))).toEqual([]);

    const ram = devices.find(({ id }) => id === 'RAM')!;
    expect(ram.totalBytes).toBeGreaterThan(2 ** 28);
    expect(ram.freeBytes).toBeGreaterThan(0);
    expect(ram.freeBytes).toBeLessThanOrEqual(ram.totalBytes);
    expect(ram.usedByPid?.get(process.pid)).toBeGreaterThan(10 * 2 ** 20);
    expect(ram.usedByPid?.get(process.pid)).toBeLessThan(ram.totalBytes);

    // What it says without a GPU is in tests/fixtures/memory-probes/list-devices.
    const { stdout, stderr } = await promisify(execFile)(executable, ['--list-devices']);
    const listed = [
      ...`${stdout}\n${stderr}`.matchAll(/^ {2}(\S+): (?!.*llvmpipe).* \((?!0 MiB)\d+ MiB, \d+ MiB free\)$/gm),
    ];
    expect(stdout + stderr).toMatch(/^Available devices:$/m);
    if (listed.length === 0) expect(stdout).toBe('Available devices:\n  (none)\n');
    const names = devices.flatMap(({ id, aliases, isListed }) => (isListed === true ? [id, ...aliases] : []));
    expect(names.toSorted()).toEqual(listed.map(([, id]) => id).toSorted());
  });
});
