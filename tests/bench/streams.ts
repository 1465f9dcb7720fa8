import type { BenchContext, BenchResult, Goal, Table } from './bench.ts';
import { compareRow, comparisonColumns } from './compare.ts';
import { chatBody, interleave, startRig } from './rig.ts';

const STREAMS = [1, 16];
/** A fast model on a fast machine. */
const INTERVAL_US = 4000;
/** An answer of some length, so that p99 is about its events and not about its beginning, which has rows of its own. */
const PACED_EVENTS = 250;
/** Over all streams of an unpaced round. */
const UNPACED_EVENTS = 96_000;

/** Streams: how soon they begin, how much later each event arrives, how many events pass a second. */
export async function measureStreams(context: BenchContext): Promise<BenchResult> {
  const rig = await startRig(context);
  const tables: Table[] = [];
  const goals: Goal[] = [];
  const unpaced = (streams: number): Parameters<typeof interleave>[2] => {
    const events = (context.isQuick ? UNPACED_EVENTS / 3 : UNPACED_EVENTS) / streams;
    const body = chatBody({ stream: true, chunks: events, interval_us: 0 });
    return { connections: streams, body, durationMs: 60_000, maxRequests: streams, events };
  };
  const paced = {
    body: chatBody({ stream: true, chunks: PACED_EVENTS, interval_us: INTERVAL_US }),
    durationMs: context.isQuick ? 900 : 1900,
    maxRequests: Number.MAX_SAFE_INTEGER,
    events: PACED_EVENTS,
    isPaced: true,
  };
  try {
    context.progress('streams: warms up');
    await interleave(rig, context.isQuick ? 1 : 3, unpaced(16));
    for (const streams of STREAMS) {
      const title = `${streams} ${streams === 1 ? 'stream' : 'streams'}`;
      context.progress(`streams: ${title}, unpaced`);
      const fast = await interleave(rig, context.rounds, unpaced(streams));
      const perSecond = compareRow(fast, 'events', '/s', (one) => (one.events * 1000) / one.elapsedMs);
      tables.push({
        title: `${title}, as fast as they are taken`,
        columns: comparisonColumns,
        rows: [
          perSecond.row,
          compareRow(fast, 'processor time an event', 'µs', (one) => (one.cpuUsPerRequest * one.requests) / one.events)
            .row,
          compareRow(fast, 'peak resident memory', 'MB', (one) => one.peakBytes / 1e6).row,
        ],
      });
      context.progress(`streams: ${title}, paced`);
      const slow = await interleave(rig, context.rounds, { ...paced, connections: streams });
      const relayP99 = compareRow(slow, 'event, sent to received, p99', 'µs', (one) => one.relayUs?.p99 ?? Number.NaN);
      tables.push({
        title: `${title}, an event every ${INTERVAL_US / 1000} ms`,
        columns: comparisonColumns,
        rows: [
          compareRow(slow, 'first event after the request, p50', 'µs', (one) => one.firstChunkUs?.p50 ?? Number.NaN)
            .row,
          compareRow(slow, 'first event after the request, p99', 'µs', (one) => one.firstChunkUs?.p99 ?? Number.NaN)
            .row,
          compareRow(slow, 'event, sent to received, p50', 'µs', (one) => one.relayUs?.p50 ?? Number.NaN).row,
          relayP99.row,
        ],
      });
      if (streams === 16) {
        goals.push({
          name: 'events/s, 16 unpaced streams, ÷ bare forwarder',
          bound: { atLeast: 0.9 },
          unit: '×',
          measured: perSecond.ratio.median,
        });
      }
      goals.push({
        name: `paced relay p99, ${title}, ÷ bare forwarder`,
        bound: { atMost: 1.15 },
        unit: '×',
        measured: relayP99.ratio.median,
      });
    }
  } finally {
    await rig.end();
  }
  return { tables, goals };
}
