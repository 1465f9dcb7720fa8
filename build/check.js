import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Everything that gates, the same here and in CI: format, lint, types, layers, unused code, tests. Runs all of it even if
 * something fails, so that one run tells everything. `npm run check -- lint types` runs only those steps.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const resultFile = path.join(root, 'test-results', 'vitest.json');

/** Tools are run by their files, not by the shims that need a shell on Windows. */
function bin(packageName, file) {
  return path.join(root, 'node_modules', packageName, file);
}

const steps = [
  {
    name: 'lint',
    args: [
      bin('eslint', 'bin/eslint.js'),
      '.',
      '--max-warnings',
      '0',
      '--cache',
      '--cache-location',
      'node_modules/.cache/eslint/',
    ],
  },
  { name: 'format', args: [bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
  { name: 'types', args: [bin('typescript', 'bin/tsc'), '-p', '.'] },
  { name: 'window-types', args: [bin('typescript', 'bin/tsc'), '-p', 'tests/unit/renderer'] },
  {
    name: 'layers',
    args: [
      bin('dependency-cruiser', 'bin/dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.js',
      'electron',
      'shared',
      'renderer',
    ],
  },
  { name: 'unused', args: [bin('knip', 'bin/knip.js')] },
  {
    name: 'tests',
    args: [
      bin('vitest', 'vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${resultFile}`,
    ],
  },
];

/** What it prints is shown at once, or kept until it has ended where several run beside each other. */
function run(args, isAlone) {
  return new Promise((settle) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: isAlone ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => settle({ code: 1, output: `${output}${error.message}\n` }));
    child.once('close', (code) => settle({ code: code ?? 1, output }));
  });
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(', ')}; the steps are ${steps.map((step) => step.name).join(', ')}.`);
  process.exit(2);
}

await rm(resultFile, { force: true });
const failed = [];

async function runStep(step, isAlone) {
  const startedMs = performance.now();
  if (isAlone) console.log(`\n▸ ${step.name}`);
  const { code, output } = await run(step.args, isAlone);
  console.log(
    `${output}${code === 0 ? '✓' : '✗'} ${step.name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`,
  );
  if (code !== 0) failed.push(step.name);
}

const chosen = steps.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
// The steps before the tests read the same files and change none: two at a time, since each keeps one processor busy.
const before = chosen.filter(({ name }) => name !== 'tests');
await Promise.all(
  [0, 1].map(async () => {
    for (let step = before.shift(); step !== undefined; step = before.shift()) await runStep(step, false);
  }),
);
// Tests look at latencies, so they have the machine to themselves.
for (const step of chosen.filter(({ name }) => name === 'tests')) await runStep(step, true);

const leftOut = (process.env['CORRAL_TEST_WITHOUT'] ?? '').split(',').filter((part) => part !== '');
if (leftOut.length > 0)
  console.log(`\nNot run, because CORRAL_TEST_WITHOUT says so: all tests that need ${leftOut.join(' or ')}.`);
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
if (wanted.length === 0 || wanted.includes('tests')) {
  const { numPassedTests, numFailedTests } = JSON.parse(
    await readFile(resultFile, 'utf8').catch(() => '{"numPassedTests":0,"numFailedTests":1}'),
  );
  console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
