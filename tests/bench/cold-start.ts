import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { startHeadless } from '../../electron/headless.ts';
import { fakeServerCommand } from '../integration/support/fake-server-command.ts';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';

/**
 * Cold starts and swaps: how much Corral adds to what the model's server itself needs, and how long a swap of two tiny
 * models takes on the real llama-server. Prints a table; asserts nothing.
 */
const ROUNDS = 15;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const folder = await mkdtemp(path.join(tmpdir(), 'corral-bench-'));
const models: Record<string, unknown> = {};
const loadDelaysMs = [0, 400, 1300];
for (const delayMs of loadDelaysMs) {
  const record = path.join(folder, `ready-${delayMs}`);
  models[`fake-${delayMs}`] = { command: fakeServerCommand({ loadDelayMs: delayMs, readyLine: `READY ${record}` }) };
}
for (const name of ['red', 'blue']) {
  const file = path.join(folder, `${name}.gguf`);
  await writeFile(file, buildSentenceModel({ name, sentence: `The ${name} one answers.` }));
  models[name] = { file, contextSize: 512 };
}
const configFile = path.join(folder, 'config.yaml');
await writeFile(
  configFile,
  stringify({ engine: { path: await ensureRealLlamaServer() }, memory: { maxLoaded: 1 }, models }),
);
const engine = await startHeadless({
  configFile,
  host: undefined,
  port: 0,
  dataDir: path.join(folder, 'data'),
  version: 'bench',
  print: () => undefined,
  printLog: () => undefined,
});

async function ask(model: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${engine.address()}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  const tookMs = performance.now() - startedMs;
  await response.text();
  if (response.status !== 200) throw new Error(`${model}: ${response.status}`);
  return tookMs;
}

/** From the request to the line with which the server itself says that it is ready, as its log has it. */
function readyAfterMs(model: string, askedAtWallMs: number): number {
  const { lines } = engine.readLogs(model, 0, 10_000);
  const ready = lines.findLast((line) => line.text.includes('READY'));
  return (ready?.at ?? Number.NaN) - askedAtWallMs;
}

console.log('| case | median ms | worst ms | n |\n|---|---|---|---|');
const print = (name: string, values: readonly number[]): void => {
  console.log(`| ${name} | ${median(values).toFixed(1)} | ${Math.max(...values).toFixed(1)} | ${values.length} |`);
};

for (const delayMs of loadDelaysMs) {
  const model = `fake-${delayMs}`;
  const added: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    await engine.ejectModel(model, 'now', new AbortController().signal);
    const askedAtWallMs = Date.now();
    const tookMs = await ask(model);
    added.push(tookMs - readyAfterMs(model, askedAtWallMs));
  }
  print(`added to a cold start, server ready ${delayMs} ms after it runs`, added);
}

await ask('red');
await ask('blue');
const swaps: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) swaps.push(await ask('red'), await ask('blue'));
print('swap of two tiny models, real llama-server', swaps);

await engine.stop();
await rm(folder, { recursive: true, force: true });
