import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compatibilityDocument, provenItems } from '../../../build/compatibility-document.ts';
import { seeds, type Seed } from '../../fixtures/seeds/required-items.ts';

const items = seeds.flatMap((seed) => seed.items);

describe('the promises of the seeds', () => {
  let titles: ReadonlySet<string>;
  beforeAll(async () => {
    const tests = fileURLToPath(new URL('../..', import.meta.url));
    const names = (await readdir(tests, { recursive: true })).filter(
      (name) => name.endsWith('.test.ts') && !name.endsWith('compatibility.test.ts'),
    );
    const sources = await Promise.all(names.map((name) => readFile(path.join(tests, name), 'utf8')));
    const found = sources.flatMap((source) =>
      [...source.matchAll(/\(\s*['"`]((?:R\d+\.\d+ )+)/g)].flatMap(([, ids = '']) => provenItems(ids)),
    );
    titles = new Set(found);
  });

  it('have ids of their own, each of its seed', () => {
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    for (const seed of seeds)
      for (const { id } of seed.items) expect(id).toMatch(new RegExp(`^R${seed.number}\\.\\d+$`));
  });

  it.each(items)('$id has a test whose title names it', ({ id }) => {
    expect([...titles]).toContain(id);
  });

  it('are the only ones that tests name', () => {
    const known = items.map(({ id }) => id);
    // Behaviours beyond the READMEs are numbered in the same row; what is no number of a seed at all is a slip.
    for (const title of titles) expect(title).toMatch(/^R[0-4]\.\d{1,2}$/);
    expect(known.length).toBeGreaterThan(40);
  });
});

describe('compatibilityDocument', () => {
  const seed: Seed = {
    number: 9,
    name: 'a-router',
    items: [
      { id: 'R9.1', text: 'answers' },
      { id: 'R9.2', text: 'a|b', needsToken: true },
      { id: 'R9.3', text: 'fails' },
      { id: 'R9.4', text: 'is left out' },
      { id: 'R9.5', text: 'is untested' },
    ],
  };
  const text = compatibilityDocument(
    [seed],
    [
      { title: 'R9.1 R9.2 works', status: 'passed', file: 'tests/b.test.ts' },
      { title: 'R9.1 works elsewhere', status: 'passed', file: 'tests/a.test.ts' },
      { title: 'R9.3 works', status: 'passed', file: 'tests/a.test.ts' },
      { title: 'R9.3 works always', status: 'failed', file: 'tests/a.test.ts' },
      { title: 'R9.4 works', status: 'skipped', file: 'tests/a.test.ts' },
      { title: 'says R9.5 somewhere else', status: 'passed', file: 'tests/a.test.ts' },
    ],
  );

  it.each([
    ['| R9.1 | answers | pass | `tests/a.test.ts`, `tests/b.test.ts` |'],
    [String.raw`| R9.2 | a\|b | pass, with token | ${'`tests/b.test.ts`'} |`],
    ['| R9.3 | fails | **fail** | `tests/a.test.ts` |'],
    ['| R9.4 | is left out | **not run** | `tests/a.test.ts` |'],
    ['| R9.5 | is untested | **no test** |  |'],
  ])('writes %s', (row) => {
    expect(text.split('\n')).toContain(row);
  });
});
