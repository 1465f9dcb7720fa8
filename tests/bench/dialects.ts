import type { BenchContext, BenchResult } from './bench.ts';
import { chatBody, startRig, type Measured, type Rig } from './rig.ts';
import { ratioSpread, spreadOf } from './statistics.ts';

const CONNECTIONS = 16;
const UNLIMITED = Number.MAX_SAFE_INTEGER;
const dialects = ['llama_cpp_router', 'llama-router', 'llama-model-router', 'routermodel', 'llama-swap', 'ollama'];

/** They take turns this often: what is to be seen is less than what else a machine does in a second. */
const SLICE_MS = 200;
/** Of a round, each. */
const SLICES = 12;

interface Work {
  requests: number;
  elapsedMs: number;
  cpuUs: number;
}

function createWork(): Work {
  return { requests: 0, elapsedMs: 0, cpuUs: 0 };
}

function addWork(sum: Work, { requests, elapsedMs, cpuUsPerRequest }: Measured): void {
  sum.requests += requests;
  sum.elapsedMs += elapsedMs;
  sum.cpuUs += cpuUsPerRequest * requests;
}

/** What it costs those who use Corral's own address that it listens in other languages, too. */
export async function measureDialects(context: BenchContext): Promise<BenchResult> {
  const rigs: Rig[] = [];
  try {
    const without = await startRig(context);
    rigs.push(without);
    const listeners = dialects.map((dialect) => ({ dialect, host: '127.0.0.1', port: 0 }));
    const beside = await startRig(context, { listeners });
    rigs.push(beside);
    const body = chatBody();
    const run = { connections: CONNECTIONS, body, maxRequests: UNLIMITED, durationMs: SLICE_MS };
    context.progress('dialects: warms up');
    for (const rig of rigs) await rig.load('corral', { ...run, durationMs: 2500 });
    context.progress(`dialects: ${CONNECTIONS} connections`);
    const rounds: Record<'without' | 'beside', Work[]> = { without: [], beside: [] };
    for (let round = 0; round < context.rounds; round += 1) {
      const sums = { without: createWork(), beside: createWork() };
      for (let slice = 0; slice < (context.isQuick ? SLICES / 3 : SLICES); slice += 1) {
        // Whoever comes second finds a warmer machine.
        const order = slice % 2 === 0 ? (['without', 'beside'] as const) : (['beside', 'without'] as const);
        for (const who of order) addWork(sums[who], await (who === 'without' ? without : beside).load('corral', run));
      }
      rounds.without.push(sums.without);
      rounds.beside.push(sums.beside);
    }
    const perSecond = (each: Work): number => (each.requests * 1000) / each.elapsedMs;
    const cost = (each: Work): number => each.cpuUs / each.requests;
    const rates = ratioSpread(rounds.beside.map(perSecond), rounds.without.map(perSecond));
    const costs = ratioSpread(rounds.beside.map(cost), rounds.without.map(cost));
    return {
      tables: [
        {
          title: `Requests on Corral's own address, ${CONNECTIONS} connections`,
          columns: ['no further listener', `${dialects.length} dialects beside it`, 'with ÷ without'],
          rows: [
            {
              name: 'requests',
              unit: '/s',
              cells: [spreadOf(rounds.without.map(perSecond)), spreadOf(rounds.beside.map(perSecond)), rates],
            },
            {
              name: 'processor time a request',
              unit: 'µs',
              cells: [spreadOf(rounds.without.map(cost)), spreadOf(rounds.beside.map(cost)), costs],
            },
          ],
        },
      ],
      goals: [
        {
          name: 'requests/s with dialects ÷ without, 16 connections',
          bound: { atLeast: 0.97 },
          unit: '×',
          measured: rates.median,
        },
      ],
    };
  } finally {
    for (const rig of rigs) await rig.end();
  }
}
