import { ask } from './ask.ts';
import type { BenchContext, BenchResult, Row } from './bench.ts';
import { startChild } from './child.ts';
import { startCorral, type CorralUnderTest } from './corral-process.ts';
import { findFreePort } from './free-port.ts';
import { spreadOf } from './statistics.ts';

const LOAD_DELAYS_MS = [0, 400, 1300];

/** A request that starts its model's process, against the same process spawned and asked by hand. */
export async function measureColdStart(context: BenchContext): Promise<BenchResult> {
  const { upstream } = context.programs;
  const delays = context.isQuick ? LOAD_DELAYS_MS.slice(0, 2) : LOAD_DELAYS_MS;
  const models = Object.fromEntries(
    delays.map((delayMs) => [
      `load-${delayMs}`,
      { command: [...upstream, '--port', '${PORT}', '--load-delay-ms', String(delayMs)] },
    ]),
  );
  const corral = await startCorral(context, { models });
  const rows: Row[] = [];
  const medians: number[] = [];
  try {
    for (const delayMs of delays) {
      context.progress(`cold start: server ready ${delayMs} ms after it runs`);
      const direct: number[] = [];
      const through: number[] = [];
      const afterReady: number[] = [];
      for (let round = 0; round < context.rounds; round += 1) {
        direct.push(await startDirectly(upstream, delayMs));
        const one = await startThroughCorral(corral, `load-${delayMs}`);
        through.push(one.tookMs);
        afterReady.push(one.afterReadyMs);
      }
      const added = spreadOf(through.map((tookMs, round) => tookMs - direct[round]!));
      medians.push(added.median);
      rows.push({
        name: `server ready ${delayMs} ms after it runs`,
        unit: 'ms',
        cells: [spreadOf(direct), spreadOf(through), added, spreadOf(afterReady)],
      });
    }
  } finally {
    await corral.end();
  }
  return {
    tables: [
      {
        title: 'Cold start: from a request to its answer, the process started for it',
        columns: ['spawned directly', 'through Corral', 'added', 'through Corral, from ready'],
        rows,
      },
    ],
    goals: [
      { name: 'added to a cold start, worst case', bound: { atMost: 40 }, unit: 'ms', measured: Math.max(...medians) },
    ],
  };
}

async function startDirectly(upstream: readonly [string, ...string[]], delayMs: number): Promise<number> {
  const port = await findFreePort();
  const startedMs = performance.now();
  const child = await startChild([...upstream, '--port', String(port), '--load-delay-ms', String(delayMs)], {
    ready: /READY \d+\n/,
  });
  await ask(`http://127.0.0.1:${port}`, 'any');
  const tookMs = performance.now() - startedMs;
  await child.end();
  return tookMs;
}

async function startThroughCorral(
  corral: CorralUnderTest,
  model: string,
): Promise<{ tookMs: number; afterReadyMs: number }> {
  await corral.bridge.call('eject-model', { model, mode: 'now' });
  const startedMs = performance.now();
  await ask(corral.address, model);
  const tookMs = performance.now() - startedMs;
  const answeredNs = Number(process.hrtime.bigint());
  // The server's own word, by the clock that all processes of the machine share.
  const { lines } = await corral.bridge.call('read-logs', { source: model });
  const readyNs = Number(/READY (\d+)/.exec(lines.findLast((line) => line.text.includes('READY'))?.text ?? '')?.[1]);
  return { tookMs, afterReadyMs: (answeredNs - readyNs) / 1e6 };
}
