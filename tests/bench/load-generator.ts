import { setTimeout as sleep } from 'node:timers/promises';
import net from 'node:net';
import type { Latencies, LoadAnswer, LoadResult, LoadRun } from './load-protocol.ts';
import { createResponseParser } from './response-parser.ts';
import { percentile } from './statistics.ts';

/**
 * A process that sends requests over keep-alive connections, each connection its next one as soon as the last is answered.
 * Plain sockets: an HTTP client would need as much of the processor as what is measured.
 */
const SENT_AT = Buffer.from('"t":"');
const SENT_AT_DIGITS = 16;
const LINE_FEED = 0x0a;
const STAGGER_MS = 61.3;
/** `process.hrtime` and `performance.now` tick alike, and only the latter costs nothing. */
const clockOffsetNs = readClockOffset();

function readClockOffset(): number {
  // The first call of each takes half a millisecond, which would be in every figure.
  process.hrtime.bigint();
  performance.now();
  return Number(process.hrtime.bigint()) - performance.now() * 1e6;
}

interface Samples {
  readonly latencyMs: number[];
  readonly firstChunkMs: number[];
  readonly relayNs: number[];
  events: number;
}

process.on('message', (run: LoadRun) => {
  carryOut(run).then(
    (result) => process.send?.({ result } satisfies LoadAnswer),
    (thrown: unknown) => process.send?.({ failure: String(thrown) } satisfies LoadAnswer),
  );
});

async function carryOut(run: LoadRun): Promise<LoadResult> {
  const request = Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:${run.port}\r\nUser-Agent: corral-bench\r\nAccept: */*\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(run.body)}\r\n\r\n${run.body}`,
  );
  const samples: Samples = { latencyMs: [], firstChunkMs: [], relayNs: [], events: 0 };
  let left = run.maxRequests;
  const startedMs = performance.now();
  const mayBegin = (): boolean => left-- > 0 && performance.now() - startedMs < run.durationMs;
  await Promise.all(
    Array.from({ length: run.connections }, async (_, index) => {
      // People do not begin in the same millisecond; streams in step would wait for each other at every event.
      if (run.isPaced === true) await sleep(index * STAGGER_MS);
      await loadConnection(run, request, samples, mayBegin);
    }),
  );
  const elapsedMs = performance.now() - startedMs;
  return {
    requests: samples.latencyMs.length,
    events: samples.events,
    elapsedMs,
    latencyUs: latencies(samples.latencyMs, 1000),
    firstChunkUs: run.events === undefined ? undefined : latencies(samples.firstChunkMs, 1000),
    relayUs: run.isPaced === true ? latencies(samples.relayNs, 1 / 1000) : undefined,
  };
}

function latencies(values: number[], factor: number): Latencies {
  const sorted = Float64Array.from(values);
  return { p50: percentile(sorted, 0.5) * factor, p99: percentile(sorted, 0.99) * factor };
}

/** One connection for as long as it may begin requests. Rejects for any answer that is not as it should be. */
function loadConnection(run: LoadRun, request: Buffer, samples: Samples, mayBegin: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let askedMs = 0;
    let isFirstPiece = true;
    let newlines = 0;
    let wasNewline = false;

    const fail = (problem: unknown): void => {
      socket.destroy();
      reject(problem instanceof Error ? problem : new Error(String(problem)));
    };
    const begin = (): void => {
      if (!mayBegin()) {
        socket.destroy();
        resolve();
        return;
      }
      isFirstPiece = true;
      newlines = 0;
      askedMs = performance.now();
      socket.write(request);
    };
    const parse = createResponseParser({
      onHead(status) {
        if (status !== 200) throw new Error(`Port ${run.port} answered ${status}.`);
      },
      onBody(piece) {
        if (run.events === undefined) return;
        if (isFirstPiece) samples.firstChunkMs.push(performance.now() - askedMs);
        isFirstPiece = false;
        // Events end with an empty line, which the pieces may split.
        for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, at + 1)) {
          if (at === 0 ? wasNewline : piece[at - 1] === LINE_FEED) newlines += 1;
        }
        wasNewline = piece[piece.length - 1] === LINE_FEED;
        if (run.isPaced === true) observeRelay(piece);
      },
      onEnd() {
        samples.latencyMs.push(performance.now() - askedMs);
        if (run.events !== undefined) {
          // The last one is `[DONE]`.
          if (newlines !== run.events + 1) throw new Error(`A stream had ${newlines - 1} of ${run.events} events.`);
          samples.events += run.events;
        }
        begin();
      },
    });
    const observeRelay = (piece: Buffer): void => {
      const nowNs = performance.now() * 1e6 + clockOffsetNs;
      for (let at = piece.indexOf(SENT_AT); at !== -1; at = piece.indexOf(SENT_AT, at + 1)) {
        const from = at + SENT_AT.length;
        if (from + SENT_AT_DIGITS > piece.length) return;
        samples.relayNs.push(nowNs - Number(piece.toString('latin1', from, from + SENT_AT_DIGITS)));
      }
    };

    const socket = net.connect({
      host: '127.0.0.1',
      port: run.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(64 * 1024),
        callback(length, buffer) {
          try {
            parse((buffer as Buffer).subarray(0, length));
          } catch (thrown) {
            fail(thrown);
          }
          return true;
        },
      },
    });
    socket.once('connect', begin);
    socket.once('error', fail);
    socket.once('end', () => fail(`Port ${run.port} closed the connection.`));
  });
}
