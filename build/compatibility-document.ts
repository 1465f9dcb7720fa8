import type { Seed } from '../tests/fixtures/seeds/required-items.ts';

export interface TestOutcome {
  /** Of the test itself, without those of its groups. */
  readonly title: string;
  /** As vitest says it: `passed`, `failed`, or anything else for what did not run. */
  readonly status: string;
  /** Relative to the repository, with forward slashes. */
  readonly file: string;
}

/** The ids a title begins with: `R0.4 R0.5 lists …`. */
export function provenItems(title: string): string[] {
  return /^(?:R\d+\.\d+ )+/.exec(title)?.[0].trim().split(' ') ?? [];
}

/** docs/compatibility.md: every promise with what its tests came to. Pure. */
export function compatibilityDocument(seeds: readonly Seed[], outcomes: readonly TestOutcome[]): string {
  const proofs = new Map<string, TestOutcome[]>();
  for (const outcome of outcomes) {
    for (const id of provenItems(outcome.title)) proofs.set(id, [...(proofs.get(id) ?? []), outcome]);
  }
  const sections = seeds.map(({ name, items }) => {
    const rows = items.map(({ id, text, needsToken }) => {
      const tests = proofs.get(id) ?? [];
      const files = [...new Set(tests.map(({ file }) => file))].sort().map((file) => `\`${file}\``);
      return `| ${id} | ${text.replaceAll('|', String.raw`\|`)} | ${resultOf(tests, needsToken === true)} | ${files.join(', ')} |`;
    });
    return [`## ${name}`, '', '| item | promise | result | tests |', '| --- | --- | --- | --- |', ...rows].join('\n');
  });
  return [
    '# Compatibility',
    [
      'What five other routers promise in their READMEs, and how Corral keeps it when it serves their own configuration',
      'file. Written by `npm run compatibility` from the results of the tests; "pass, with token" means that Corral asks for',
      "the file's own or its admin token where the program let anybody in.",
    ].join('\n'),
    ...sections,
  ]
    .join('\n\n')
    .concat('\n');
}

function resultOf(tests: readonly TestOutcome[], needsToken: boolean): string {
  if (tests.some(({ status }) => status === 'failed')) return '**fail**';
  if (!tests.some(({ status }) => status === 'passed')) return tests.length === 0 ? '**no test**' : '**not run**';
  return needsToken ? 'pass, with token' : 'pass';
}
