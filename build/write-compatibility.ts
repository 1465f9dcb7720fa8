import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { seeds } from '../tests/fixtures/seeds/required-items.ts';
import { compatibilityDocument, type TestOutcome } from './compatibility-document.ts';

/**
 * Writes docs/compatibility.md from the results of the last `npm test` (test-results/vitest.json), or of the reports named as
 * arguments, which are put together.
 */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const named = process.argv.slice(2);
const reports = named.length > 0 ? named : [path.join(root, 'test-results', 'vitest.json')];
const outcomes: TestOutcome[] = [];
for (const file of reports) {
  const report = JSON.parse(await readFile(file, 'utf8')) as VitestReport;
  for (const { name, assertionResults } of report.testResults) {
    const relative = path.relative(root, name).replaceAll('\\', '/');
    for (const { title, status } of assertionResults) outcomes.push({ title, status, file: relative });
  }
}
const target = path.join(root, 'docs', 'compatibility.md');
const options = await resolveConfig(target);
await writeFile(target, await format(compatibilityDocument(seeds, outcomes), { ...options, parser: 'markdown' }));
console.log(`Wrote docs/compatibility.md from ${reports.join(', ')}.`);
