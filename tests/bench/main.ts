import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, BenchContext, BenchResult } from './bench.ts';
import { endAllChildren } from './child.ts';
import { measureColdStart } from './cold-start.ts';
import { measureDialects } from './dialects.ts';
import { measureMemory } from './memory.ts';
import { buildPrograms, resultsFolder } from './programs.ts';
import { renderGoals, renderTable, warnAboutSpread } from './report.ts';
import { measureStartUp } from './start-up.ts';
import { measureStreams } from './streams.ts';
import { measureSwap } from './swap.ts';
import { measureThroughput } from './throughput.ts';

/** `npm run bench -- [name…] [--quick] [--rounds N] [--cli FILE] [--cpu-prof]`: see docs/performance.md. */
const benches: Readonly<Record<string, Bench>> = {
  throughput: measureThroughput,
  streams: measureStreams,
  'start-up': measureStartUp,
  'cold-start': measureColdStart,
  swap: measureSwap,
  memory: measureMemory,
  dialects: measureDialects,
};

const FULL_ROUNDS = 7;
const QUICK_ROUNDS = 5;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    cli: { type: 'string' },
    'cpu-prof': { type: 'boolean', default: false },
  },
});
const chosen = positionals.length === 0 ? Object.keys(benches) : positionals;
for (const name of chosen) {
  if (benches[name] === undefined) {
    throw new Error(`There is no bench "${name}"; known: ${Object.keys(benches).join(', ')}.`);
  }
}
const rounds = Number(options.rounds ?? (options.quick ? QUICK_ROUNDS : FULL_ROUNDS));
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds takes a number from 1, not "${options.rounds ?? ''}".`);

const startedMs = performance.now();
const programs = await buildPrograms(options.cli);
const context: BenchContext = {
  programs,
  isQuick: options.quick,
  rounds,
  corralNodeArgs: options['cpu-prof'] ? ['--cpu-prof', `--cpu-prof-dir=${path.join(resultsFolder, 'profiles')}`] : [],
  progress: (text) => console.error(text),
};

const machine =
  `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, ` +
  `Node ${process.versions.node}`;
console.log(`${machine}; upstream: ${programs.upstreamNote}; ${rounds} rounds; medians (lowest–highest)\n`);

const results: Record<string, BenchResult> = {};
try {
  for (const name of chosen) {
    const result = await benches[name]!(context);
    results[name] = result;
    for (const table of result.tables) console.log(renderTable(table));
    for (const note of result.notes ?? []) console.log(`${note}\n`);
  }
} finally {
  await endAllChildren();
}
const tables = Object.values(results).flatMap((result) => result.tables);
console.log(renderGoals(Object.values(results).flatMap((result) => result.goals)));
const warning = warnAboutSpread(tables);
if (warning !== undefined) console.log(`${warning}\n`);

await mkdir(resultsFolder, { recursive: true });
const file = path.join(resultsFolder, 'bench.json');
const record = { machine, upstream: programs.upstreamNote, isQuick: options.quick, rounds, warning, results };
await writeFile(file, `${JSON.stringify(record, undefined, 2)}\n`);
console.log(`Took ${Math.round((performance.now() - startedMs) / 1000)} s; written to ${path.relative('.', file)}`);
