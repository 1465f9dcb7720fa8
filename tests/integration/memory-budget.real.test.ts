import { readFile } from 'node:fs/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { createSeededRandom } from '../fakes/seeded-random.ts';
import { createTestFolder, type TestFolder } from './support/corral.ts';
import { startCorralProcess, type CorralProcess } from './support/corral-process.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';

const MIB = 1024 ** 2;
/** Two of the models, at some 340 MiB each, and not three. */
const BUDGET_BYTES = 800 * MIB;
const REQUESTS = 60;
const CLIENTS = 5;
const sentences: Readonly<Record<string, string>> = {
  red: 'The red barn stands on the hill.',
  blue: 'A blue river runs through town.',
  green: 'Green leaves fall in the yard.',
};

let llamaServer: string;
let folder: TestFolder;
let corral: CorralProcess | undefined;

beforeAll(async () => {
  llamaServer = await ensureRealLlamaServer();
});
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(async () => {
  await corral?.end('SIGTERM');
  await folder.dispose();
});

/** What all backends take of system memory at this moment, shared pages by their share. Linux only. */
async function measuredBytes(): Promise<number> {
  const backends = (await folder.liveProcesses()).filter(({ commandLine }) => commandLine.startsWith(llamaServer));
  const sizes = await Promise.all(
    backends.map(async ({ pid }) => {
      try {
        const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
        return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
      } catch {
        return 0; // It ended while we looked.
      }
    }),
  );
  return sizes.reduce((sum, each) => sum + each, 0);
}

describe.runIf(process.platform === 'linux')('Q1 a budget that two of three real models fit into', () => {
  it('is kept by measure while clients ask for all three, and each answer is by the right one', async () => {
    const models: Record<string, unknown> = {};
    for (const [name, sentence] of Object.entries(sentences)) {
      models[name] = {
        file: await folder.write(`${name}.gguf`, buildSentenceModel({ name, sentence })),
        // The cache of that many tokens is cleared at the start, and so in memory; the rest is made small.
        contextSize: 1_048_576,
        parallel: 2,
        args: ['--batch-size', '32', '--ubatch-size', '32'],
      };
    }
    corral = await startCorralProcess(folder, {
      engine: { path: llamaServer },
      memory: { reserve: '0', budgets: { RAM: `${BUDGET_BYTES / MIB}MiB` } },
      models,
    });
    const { bridge, post } = corral;
    const { plan } = await bridge.call('plan-load', { model: 'red' });
    expect(plan).toMatchObject({ outcome: 'fits', need: { source: 'estimate' } });
    expect((plan.need?.cpuBytes ?? 0) * 2).toBeLessThan(BUDGET_BYTES);
    expect((plan.need?.cpuBytes ?? 0) * 3).toBeGreaterThan(BUDGET_BYTES);

    const samples: number[] = [];
    let isDone = false;
    const sampling = (async () => {
      while (!isDone) {
        samples.push(await measuredBytes());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const answers: { model: string; status: number; text: string; told: string }[] = [];
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const random = createSeededRandom(client);
        for (let request = 0; request < REQUESTS / CLIENTS; request += 1) {
          const model = random.pick(Object.keys(sentences));
          const response = await post({ model, messages: [{ role: 'user', content: 'Hello' }] });
          const body = (await response.json()) as { model?: string; choices?: { message: { content: string } }[] };
          const text = body.choices?.[0]?.message.content ?? JSON.stringify(body);
          answers.push({ model, status: response.status, text, told: body.model ?? '' });
        }
      }),
    );
    isDone = true;
    await sampling;

    expect(answers).toHaveLength(REQUESTS);
    expect(answers.filter(({ model, status, text }) => status !== 200 || text !== sentences[model])).toEqual([]);
    expect(Math.max(...samples)).toBeLessThanOrEqual(BUDGET_BYTES);
    // Two were there at once, or it would prove nothing.
    expect(Math.max(...samples)).toBeGreaterThan(BUDGET_BYTES * 0.6);
    const loads = (await bridge.call('read-logs', { source: 'green', limit: 10_000 })).lines.filter(({ text }) =>
      text.includes('[corral] ready after'),
    );
    expect(loads.length).toBeGreaterThan(0);
    console.log(
      `${samples.length} samples, at most ${Math.round(Math.max(...samples) / MIB)} of ${BUDGET_BYTES / MIB} MiB; ` +
        `planned ${Math.round((plan.need?.cpuBytes ?? 0) / MIB)} MiB a model`,
    );
  }, 120_000);
});
