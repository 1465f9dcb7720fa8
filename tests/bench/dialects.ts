import type { BenchContext, BenchResult } from './bench.ts';
import { chatBody, startRig, type Measured, type Rig } from './rig.ts';
import { ratioSpread, spreadOf } from './statistics.ts';

const CONNECTIONS = 16;
const UNLIMITED = Number.MAX_SAFE_INTEGER;
const dialects = ['llama_cpp_router', 'llama-router', 'llama-model-router', 'routermodel', 'llama-swap', 'ollama'];

/** What it costs those who use Corral's own address that it listens in other languages, too. */
export async function measureDialects(context: BenchContext): Promise<BenchResult> {
  const rigs: Rig[] = [];
  try {
    const without = await startRig(context);
    rigs.push(without);
    const listeners = dialects.map((dialect) => ({ dialect, host: '127.0.0.1', port: 0 }));
    const beside = await startRig(context, { listeners });
    rigs.push(beside);
    const run = {
      connections: CONNECTIONS,
      body: chatBody(),
      durationMs: context.isQuick ? 400 : 1000,
      maxRequests: UNLIMITED,
    };
    const warmUp = { ...run, durationMs: 2500 };
    context.progress('dialects: warms up');
    for (const rig of rigs) await rig.load('corral', warmUp);
    context.progress(`dialects: ${CONNECTIONS} connections`);
    const rounds: Record<'without' | 'beside', Measured[]> = { without: [], beside: [] };
    for (let round = 0; round < 2 * context.rounds; round += 1) {
      // Whoever comes second finds a warmer machine.
      const order = round % 2 === 0 ? (['without', 'beside'] as const) : (['beside', 'without'] as const);
      for (const who of order) rounds[who].push(await (who === 'without' ? without : beside).load('corral', run));
    }
    const perSecond = (each: Measured): number => (each.requests * 1000) / each.elapsedMs;
    const cost = (each: Measured): number => each.cpuUsPerRequest;
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
