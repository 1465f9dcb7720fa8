import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Row {
  readonly id: string;
  readonly files: readonly string[];
  readonly state: string;
}

const rows: Row[] = (await readFile(path.join(root, 'docs/scorecard.md'), 'utf8'))
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, id = '']) => /^[A-Z]\d/.test(id))
  .map(([, id = '', , files = '', , state = '']) => ({
    id,
    files: [...files.matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? ''),
    state,
  }));

/** Whether a test or a group of tests in this source has a title that begins with the id, alone or among others. */
function hasTitle(source: string, id: string): boolean {
  return new RegExp(`\\(\\s*['"\`](?:[A-Z]\\d+ )*${id}[ :]`).test(source);
}

describe('docs/scorecard.md', () => {
  let sources: Map<string, string>;
  beforeAll(async () => {
    const tests = path.join(root, 'tests');
    const names = (await readdir(tests, { recursive: true })).filter((name) => name.endsWith('.test.ts'));
    sources = new Map(
      await Promise.all(
        names.map(
          async (name) => [name.replaceAll('\\', '/'), await readFile(path.join(tests, name), 'utf8')] as const,
        ),
      ),
    );
  });

  it('has a row for each promise, once', () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [letter, count] of Object.entries({ S: 10, P: 11, Q: 9, C: 7, D: 9, X: 12, E: 7 })) {
      for (let number = 1; number <= count; number += 1) expect(ids).toContain(`${letter}${number}`);
    }
  });

  it.each(rows.filter(({ state }) => state.startsWith('held')))('finds the tests of $id', ({ id, files }) => {
    expect(files).not.toEqual([]);
    for (const file of files) expect(hasTitle(sources.get(file) ?? '', id), file).toBe(true);
  });

  it.each(rows.filter(({ state }) => state === 'not yet'))('does not overlook a test of $id', ({ id, files }) => {
    expect(files).toEqual([]);
    const found = [...sources].filter(([, source]) => hasTitle(source, id)).map(([name]) => name);
    expect(found).toEqual([]);
  });
});
