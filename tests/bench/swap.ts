import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';
import { ask, waitUntilHealthy } from './ask.ts';
import type { BenchContext, BenchResult, Goal } from './bench.ts';
import { startChild, type Child } from './child.ts';
import { startCorral } from './corral-process.ts';
import { findFreePort } from './free-port.ts';
import { ratioSpread, spreadOf } from './statistics.ts';

const GOAL = { name: 'swap of two tiny models', bound: { atMost: 100 }, unit: 'ms' } as const satisfies Partial<Goal>;
const COLOURS = ['red', 'blue'] as const;
type Colour = (typeof COLOURS)[number];

/** Two tiny models on a real llama-server that may not both be loaded: from a request for the other one to its answer. */
export async function measureSwap(context: BenchContext): Promise<BenchResult> {
  let llamaServer: string;
  try {
    llamaServer = await ensureRealLlamaServer();
  } catch (thrown) {
    const notes = [`The swap was not measured. ${(thrown as Error).message}`];
    return { tables: [], goals: [{ ...GOAL, measured: Number.NaN }], notes };
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'corral-bench-models-'));
  const files = { red: path.join(folder, 'red.gguf'), blue: path.join(folder, 'blue.gguf') };
  for (const name of COLOURS) {
    await writeFile(files[name], buildSentenceModel({ name, sentence: `The ${name} one answers.` }));
  }
  const corral = await startCorral(context, {
    engine: { path: llamaServer },
    memory: { maxLoaded: 1 },
    models: { red: { file: files.red, contextSize: 512 }, blue: { file: files.blue, contextSize: 512 } },
  });
  const direct = createDirectSwapper(llamaServer, files);
  const directMs: number[] = [];
  const corralMs: number[] = [];
  const timed = async (into: number[], work: () => Promise<void>): Promise<void> => {
    const startedMs = performance.now();
    await work();
    into.push(performance.now() - startedMs);
  };
  try {
    await ask(corral.address, 'blue');
    await direct.swapTo('blue');
    for (let round = 0; round < context.rounds; round += 1) {
      context.progress(`swap: round ${round + 1} of ${context.rounds}`);
      for (const colour of COLOURS) {
        await timed(directMs, () => direct.swapTo(colour));
        await timed(corralMs, () => ask(corral.address, colour));
      }
    }
  } finally {
    await direct.end();
    await corral.end();
    await rm(folder, { recursive: true, force: true });
  }
  const through = spreadOf(corralMs);
  return {
    tables: [
      {
        title: 'Swap of two tiny models, real llama-server',
        columns: ['by hand', 'through Corral', 'Corral ÷ by hand'],
        rows: [
          {
            name: 'request for the other model to its answer',
            unit: 'ms',
            cells: [spreadOf(directMs), through, ratioSpread(corralMs, directMs)],
          },
        ],
      },
    ],
    goals: [{ ...GOAL, measured: through.median }],
  };
}

/** What somebody would do who writes the least that works: end the one, start the other, wait for it, ask it. */
function createDirectSwapper(
  llamaServer: string,
  files: Readonly<Record<Colour, string>>,
): { swapTo(colour: Colour): Promise<void>; end(): Promise<void> } {
  let running: Child | undefined;
  return {
    async swapTo(colour) {
      await running?.end();
      const port = await findFreePort();
      const args = ['--model', files[colour], '--host', '127.0.0.1', '--port', String(port), '--ctx-size', '512'];
      running = await startChild([llamaServer, ...args]);
      const address = `http://127.0.0.1:${port}`;
      await waitUntilHealthy(address);
      await ask(address, colour);
    },
    async end() {
      await running?.end();
    },
  };
}
