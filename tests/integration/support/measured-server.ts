import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseLogLine } from '../../../electron/engine/llama/log-lines.ts';
import type { DeviceNeed } from '../../../electron/engine/memory/estimate-need.ts';
import { createNeedMeter } from '../../../electron/engine/memory/measure-need.ts';

export interface MeasuredServer {
  readonly forecast: readonly DeviceNeed[];
  readonly measured: readonly DeviceNeed[];
  readonly isShrunk: boolean;
  /** What `whenReady` gave back. */
  readonly observed: number;
}

/**
 * Starts llama-server, waits until it is ready, and ends it. Rejects with its last lines if it never gets there.
 * `whenReady` may look at the process while it runs.
 */
export async function measureServer(options: {
  readonly executable: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  whenReady(pid: number): Promise<number>;
}): Promise<MeasuredServer> {
  const { executable, args, timeoutMs, whenReady } = options;
  const child = spawn(executable, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const closed = once(child, 'close');
  const meter = createNeedMeter();
  const lines: string[] = [];
  let isReady = false;
  try {
    for await (const line of createInterface(child.stderr)) {
      lines.push(line);
      const fact = parseLogLine(line);
      if (fact !== undefined) meter.hear(fact);
      if (fact?.kind !== 'ready') continue;
      isReady = true;
      break;
    }
    const [forecast, measured] = [meter.forecast(), meter.measured()];
    if (!isReady || child.pid === undefined || forecast === undefined || measured === undefined) {
      throw new Error(`llama-server did not become ready with its memory told:\n${lines.slice(-15).join('\n')}`);
    }
    return { forecast, measured, isShrunk: meter.isShrunk(), observed: await whenReady(child.pid) };
  } finally {
    clearTimeout(deadline);
    child.kill('SIGKILL');
    await closed;
  }
}
