import type { BenchContext } from './bench.ts';
import { startChild } from './child.ts';
import { portOfModel, startCorral, type CorralUnderTest } from './corral-process.ts';
import type { LoadAnswer, LoadResult, LoadRun } from './load-protocol.ts';
import { readProcess, resetPeak } from './process-figures.ts';

export const targetNames = ['direct', 'bare', 'corral'] as const;

export type TargetName = (typeof targetNames)[number];

/** One run of the load generator, with what it cost the process in between. */
export interface Measured extends LoadResult {
  readonly cpuUsPerRequest: number;
  readonly peakBytes: number;
}

/** One upstream, the bare forwarder and Corral in front of it, and a load generator: a process each. */
export interface Rig {
  readonly corral: CorralUnderTest;
  readonly barePid: number;
  load(target: TargetName, run: Omit<LoadRun, 'port'>): Promise<Measured>;
  end(): Promise<void>;
}

export const MODEL = 'bench';
/** More than any bench has connections: a queue in Corral is not what is measured here. */
const CONCURRENCY = 256;

/** What a chat program sends, and then some. */
export function chatBody(more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    model: MODEL,
    messages: [
      { role: 'system', content: 'You are a helpful assistant. Answer in one sentence.' },
      { role: 'user', content: 'How are sheep counted by those who cannot sleep, and does it help?' },
    ],
    temperature: 0.7,
    max_tokens: 64,
    ...more,
  });
}

/** Starts all of it; Corral runs the upstream itself, as a model with a command of its own. `more` is of its configuration. */
export async function startRig(context: BenchContext, more: Record<string, unknown> = {}): Promise<Rig> {
  const { programs } = context;
  const corral = await startCorral(context, {
    ...more,
    models: { [MODEL]: { command: [...programs.upstream, '--port', '${PORT}'], concurrency: CONCURRENCY } },
  });
  await corral.bridge.call('load-model', { model: MODEL });
  const upstreamPort = await portOfModel(corral, MODEL);
  const bare = await startChild([process.execPath, programs.bareForwarder, `http://127.0.0.1:${upstreamPort}`], {
    ready: /LISTENING (\d+)/,
  });
  const generator = await startChild([process.execPath, programs.loadGenerator], { hasIpc: true });
  const targets = {
    direct: { port: upstreamPort, pid: undefined },
    bare: { port: Number(bare.match?.[1]), pid: bare.pid },
    corral: { port: corral.port, pid: corral.pid },
  };

  const send = (run: LoadRun): Promise<LoadResult> =>
    new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('The load generator ended.'));
      generator.process.once('exit', onExit);
      generator.process.once('message', (answer: LoadAnswer) => {
        generator.process.off('exit', onExit);
        if ('failure' in answer) reject(new Error(answer.failure));
        else resolve(answer.result);
      });
      generator.process.send(run);
    });

  return {
    corral,
    barePid: bare.pid,
    async load(target, run) {
      const { port, pid } = targets[target];
      if (pid === undefined) {
        return { ...(await send({ ...run, port })), cpuUsPerRequest: Number.NaN, peakBytes: Number.NaN };
      }
      await resetPeak(pid);
      const before = await readProcess(pid);
      const result = await send({ ...run, port });
      const after = await readProcess(pid);
      return {
        ...result,
        cpuUsPerRequest: ((after.cpuMs - before.cpuMs) * 1000) / result.requests,
        peakBytes: after.peakBytes,
      };
    },
    async end() {
      await generator.end();
      await bare.end();
      await corral.end();
    },
  };
}

/** All targets by turns, round after round, so that what else the machine does meets them alike. */
export async function interleave(
  rig: Rig,
  rounds: number,
  run: Omit<LoadRun, 'port'>,
): Promise<Record<TargetName, Measured[]>> {
  const measured: Record<TargetName, Measured[]> = { direct: [], bare: [], corral: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const target of targetNames) measured[target].push(await rig.load(target, run));
  }
  return measured;
}
