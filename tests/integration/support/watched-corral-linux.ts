import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, type TestFolder } from './corral.ts';
import { startCorralProcess, type CorralProcess } from './corral-process.ts';

const probeFile = fileURLToPath(new URL('../../fixtures/process-probe.mjs', import.meta.url));

export interface ProbeFigures {
  /** After a collection of garbage, buffers included. */
  readonly heapBytes: number;
  /** Since the probe before. */
  readonly loopDelayP99Ms: number;
}

/** Corral in a process of its own, so that the figures are its own and not those of the test's clients. Linux only. */
export interface WatchedCorral extends CorralProcess {
  probe(): Promise<ProbeFigures>;
  rssBytes(): Promise<number>;
  descriptorCount(): Promise<number>;
  /** The address of a model's process; fails if it has none. */
  modelAddress(modelId: string): Promise<string>;
}

export async function startWatchedCorral(
  folder: TestFolder,
  config: Record<string, unknown>,
  args?: readonly string[],
): Promise<WatchedCorral> {
  const corral = await startCorralProcess(folder, config, args, ['--import', probeFile]);
  const proc = `/proc/${corral.child.pid ?? 0}`;
  const probes = (): string[] => [...corral.output().matchAll(/^probe (\{.*\})$/gm)].map(([, text]) => text ?? '');
  return {
    ...corral,
    async probe() {
      const before = probes().length;
      corral.child.kill('SIGUSR2');
      await eventually('the probe answers', () => probes().length > before);
      // Until the probe measures anew.
      await sleep(100);
      return JSON.parse(probes().at(-1) ?? '') as ProbeFigures;
    },
    /** Source of the format: proc(5), /proc/[pid]/status. */
    async rssBytes() {
      const status = await readFile(`${proc}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
    },
    descriptorCount: async () => (await readdir(`${proc}/fd`)).length,
    async modelAddress(modelId) {
      const { models } = await corral.bridge.call('get-snapshot', {});
      const address = models.find(({ id }) => id === modelId)?.address;
      if (typeof address !== 'string') throw new Error(`model ${modelId} has no address`);
      return address;
    },
  };
}

/** The highest of what `read` gives while `work` lasts. */
export async function peakDuring(read: () => Promise<number>, work: Promise<unknown>): Promise<number> {
  let isOver = false;
  const done = work.finally(() => (isOver = true));
  let peak = await read();
  while (!isOver) {
    await Promise.race([done, sleep(25)]);
    peak = Math.max(peak, await read());
  }
  await done;
  return peak;
}
