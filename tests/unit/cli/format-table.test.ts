import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTable, type Column } from '../../../electron/cli/format-table.ts';
import { displayWidth } from '../../../electron/cli/printable.ts';

const plain = (_style: unknown, text: string): string => text;
const columns: readonly Column<[string | null, string]>[] = [
  { header: 'NAME', text: ([name]) => name },
  { header: 'PID', isNumber: true, text: ([, pid]) => pid },
  { header: 'NOTE', text: () => 'x' },
];

describe('formatTable', () => {
  it('aligns text to the left and numbers to the right', () => {
    const rows: [string, string][] = [
      ['qwen3', '7'],
      ['gemma-3-27b', '12345'],
    ];
    expect(formatTable(rows, columns, plain)).toBe(
      ['NAME           PID  NOTE', 'qwen3            7  x', 'gemma-3-27b  12345  x', ''].join('\n'),
    );
  });

  it('shows the header alone if there are no rows, and a dash for what is not known', () => {
    expect(formatTable([], columns, plain)).toBe('NAME  PID  NOTE\n');
    expect(formatTable([[null, '1']], columns, plain)).toBe('NAME  PID  NOTE\n-       1  x\n');
  });

  it('counts wide characters as two columns', () => {
    const table = formatTable([['千问', '1']], columns, plain);
    expect(table.split('\n')[1]).toBe('千问    1  x');
  });

  it('gives styles the text without its padding', () => {
    const styled: readonly Column<string>[] = [
      { header: 'A', text: (row) => row, style: () => 'red' },
      { header: 'B', text: () => 'b' },
    ];
    const marked = (style: string, text: string): string => (style === 'red' ? `<${text}>` : text);
    expect(formatTable(['x', 'long'], styled, marked)).toBe('A     B\n<x>     b\n<long>  b\n');
  });

  it('keeps any cell in its line and its column', () => {
    const cells = fc.tuple(fc.string({ unit: 'binary' }), fc.nat().map(String));
    fc.assert(
      fc.property(fc.array(cells, { maxLength: 5 }), (rows) => {
        const lines = formatTable(rows, columns, plain).split('\n');
        expect(lines).toHaveLength(rows.length + 2);
        expect(lines.pop()).toBe('');
        expect(new Set(lines.map((line) => displayWidth(line.slice(0, line.lastIndexOf('  '))))).size).toBe(1);
      }),
    );
  });
});
