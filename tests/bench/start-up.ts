import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, BenchResult } from './bench.ts';
import { comparisonColumns } from './compare.ts';
import { startChild, type Child } from './child.ts';
import { startCorral } from './corral-process.ts';
import { readProcess } from './process-figures.ts';
import { ratioSpread, spreadOf } from './statistics.ts';

/** What is read lazily has been read by then, and the first collections are over. */
const SETTLE_MS = 1000;

/** From the spawning of a process to its word that it listens, and what it takes of memory then. */
export async function measureStartUp(context: BenchContext): Promise<BenchResult> {
  const startedMs = { node: [] as number[], bare: [] as number[], corral: [] as number[] };
  const residentMb = { node: [] as number[], bare: [] as number[], corral: [] as number[] };

  const observe = async (name: 'node' | 'bare', script: readonly string[]): Promise<void> => {
    const child: Child = await startChild([process.execPath, ...script], { ready: /LISTENING/ });
    startedMs[name].push(performance.now() - child.spawnedMs);
    await sleep(SETTLE_MS);
    residentMb[name].push((await readProcess(child.pid)).residentBytes / 1e6);
    await child.end();
  };

  for (let round = 0; round < context.rounds; round += 1) {
    context.progress(`start-up: round ${round + 1} of ${context.rounds}`);
    await observe('node', ['-e', "console.log('LISTENING'); setInterval(() => undefined, 1000)"]);
    await observe('bare', [context.programs.bareForwarder, 'http://127.0.0.1:9']);
    // A model that is not loaded, so that the built-in demo, which looks for an engine, plays no part.
    const corral = await startCorral(context, { models: { idle: { command: ['never-run'] } } });
    startedMs.corral.push(corral.startedWithinMs);
    await sleep(SETTLE_MS);
    residentMb.corral.push((await readProcess(corral.pid)).residentBytes / 1e6);
    await corral.end();
  }

  const row = (values: typeof startedMs): { cells: (ReturnType<typeof spreadOf> | undefined)[] } => ({
    cells: [
      ...[values.node, values.bare, values.corral].map((each) => spreadOf(each)),
      ratioSpread(values.corral, values.bare),
    ],
  });
  return {
    tables: [
      {
        title: 'Start-up of `corral serve`',
        columns: ['Node alone', ...comparisonColumns.slice(1)],
        rows: [
          { name: 'spawned to listening', unit: 'ms', ...row(startedMs) },
          { name: `resident memory ${SETTLE_MS / 1000} s later`, unit: 'MB', ...row(residentMb) },
        ],
      },
    ],
    goals: [
      {
        name: 'resident memory after start',
        bound: { atMost: 110 },
        unit: 'MB',
        measured: spreadOf(residentMb.corral).median,
      },
    ],
  };
}
