import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, BenchResult, Row } from './bench.ts';
import { readProcess, type ProcessFigures } from './process-figures.ts';
import { chatBody, startRig } from './rig.ts';

/** Idle connections to the upstream are closed by then. */
const SETTLE_MS = 4000;

/** Resident memory and descriptors before and after many requests, each time once everything is idle. */
export async function measureMemory(context: BenchContext): Promise<BenchResult> {
  const total = context.isQuick ? 20_000 : 100_000;
  const stages = [0, total / 10, total];
  const rig = await startRig(context);
  const figures: Record<'corral' | 'bare', ProcessFigures[]> = { corral: [], bare: [] };
  try {
    let done = 0;
    for (const stage of stages) {
      context.progress(`memory: ${stage} requests`);
      const run = { connections: 16, body: chatBody(), durationMs: 300_000, maxRequests: stage - done };
      if (stage > done) {
        await rig.load('bare', run);
        await rig.load('corral', run);
      }
      done = stage;
      await sleep(SETTLE_MS);
      figures.bare.push(await readProcess(rig.barePid));
      figures.corral.push(await readProcess(rig.corral.pid));
    }
  } finally {
    await rig.end();
  }
  const row = (
    name: string,
    unit: Row['unit'],
    who: 'corral' | 'bare',
    read: (one: ProcessFigures) => number,
  ): Row => ({
    name,
    unit,
    cells: figures[who].map(read),
  });
  const megabytes = (one: ProcessFigures): number => one.residentBytes / 1e6;
  const grownMb = megabytes(figures.corral.at(-1)!) - megabytes(figures.corral[0]!);
  return {
    tables: [
      {
        title: 'Memory and descriptors, idle, 16 connections before',
        columns: [
          'one model loaded',
          ...stages.slice(1).map((stage) => `after ${stage.toLocaleString('en')} requests`),
        ],
        rows: [
          row('Corral, resident memory', 'MB', 'corral', megabytes),
          row('bare forwarder, resident memory', 'MB', 'bare', megabytes),
          row('Corral, open descriptors', '', 'corral', (one) => one.descriptors),
          row('bare forwarder, open descriptors', '', 'bare', (one) => one.descriptors),
        ],
      },
    ],
    goals: [
      {
        name: `growth of resident memory over ${total.toLocaleString('en')} requests`,
        bound: { atMost: 30 },
        unit: 'MB',
        measured: grownMb,
      },
      {
        name: 'growth of open descriptors',
        bound: { atMost: 0 },
        unit: '',
        measured: figures.corral.at(-1)!.descriptors - figures.corral[0]!.descriptors,
      },
    ],
    notes: [`Memory was measured in one run, without rounds.`],
  };
}
