import { describe, expect, it } from 'vitest';
import { completeReport, foreignPathOf, leafPaths } from '../../../electron/engine/dialects/import-account.ts';

const mapped = (path: string, to?: string) => ({
  path,
  outcome: 'mapped' as const,
  note: 'x',
  ...(to === undefined ? {} : { to }),
});

describe('the account of a file', () => {
  it('names every value, empty groups and lists too', () => {
    expect(leafPaths({ a: { b: 1, 'c d': null }, e: [{ f: true }, []], g: {} })).toEqual([
      'a.b',
      'a["c d"]',
      'e[0].f',
      'e[1]',
      'g',
    ]);
    expect(leafPaths(undefined)).toEqual([]);
  });

  it('adds what a report passes over, and nothing that it covers', () => {
    const report = completeReport({ a: { b: 1, c: 2 }, ab: 3, d: [1] }, [mapped('a.b'), mapped('d')]);
    expect(report.slice(2)).toEqual([
      { path: 'a.c', outcome: 'dropped', note: 'Corral does not know this key' },
      { path: 'ab', outcome: 'dropped', note: 'Corral does not know this key' },
    ]);
  });

  it.each([
    ['models.a.file', 'm.a.path'],
    ['models.a.file.x', 'm.a.path'],
    ['models.a', 'm.a.path'],
    ['models.a.args[3]', 'm.a.flags'],
    ['engine.path', undefined],
  ])('says where %s came from', (native, foreign) => {
    const report = [mapped('m.a.path', 'models.a.file'), mapped('m.a.flags', 'models.a.args'), mapped('m.b')];
    expect(foreignPathOf(native, report)).toBe(foreign);
  });
});
