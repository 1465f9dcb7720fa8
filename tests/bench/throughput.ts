import type { BenchContext, BenchResult, Goal, Table } from './bench.ts';
import { compareAddedRow, compareRow, comparisonColumns } from './compare.ts';
import { chatBody, interleave, startRig } from './rig.ts';

const CONNECTIONS = [1, 16, 64];
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** Requests that are answered in one piece: how many a second, how much later, at what cost. */
export async function measureThroughput(context: BenchContext): Promise<BenchResult> {
  const rig = await startRig(context);
  const tables: Table[] = [];
  const goals: Goal[] = [];
  const body = chatBody();
  try {
    context.progress('throughput: warms up');
    const warmUpMs = context.isQuick ? 1000 : 2500;
    await interleave(rig, 1, { connections: 16, body, durationMs: warmUpMs, maxRequests: UNLIMITED });
    for (const connections of CONNECTIONS) {
      context.progress(`throughput: ${connections} connections`);
      const durationMs = context.isQuick ? 400 : 1000;
      const rounds = await interleave(rig, context.rounds, { connections, body, durationMs, maxRequests: UNLIMITED });
      const perSecond = compareRow(rounds, 'requests', '/s', (one) => (one.requests * 1000) / one.elapsedMs);
      const addedP50 = compareAddedRow(rounds, 'added latency p50', 'µs', (one) => one.latencyUs.p50);
      tables.push({
        title: `Requests, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
        columns: comparisonColumns,
        rows: [
          perSecond.row,
          compareRow(rounds, 'latency p50', 'µs', (one) => one.latencyUs.p50).row,
          compareRow(rounds, 'latency p99', 'µs', (one) => one.latencyUs.p99).row,
          addedP50.row,
          compareAddedRow(rounds, 'added latency p99', 'µs', (one) => one.latencyUs.p99).row,
          compareRow(rounds, 'processor time a request', 'µs', (one) => one.cpuUsPerRequest).row,
          compareRow(rounds, 'peak resident memory', 'MB', (one) => one.peakBytes / 1e6).row,
        ],
      });
      if (connections === 1) {
        goals.push({
          name: 'added p50, 1 connection, ÷ bare forwarder',
          bound: { atMost: 1.5 },
          unit: '×',
          measured: addedP50.ratio.median,
        });
      } else {
        goals.push({
          name: `requests/s, ${connections} connections, ÷ bare forwarder`,
          bound: { atLeast: 0.6 },
          unit: '×',
          measured: perSecond.ratio.median,
        });
      }
    }
  } finally {
    await rig.end();
  }
  return { tables, goals };
}
