import { displayWidth, printable } from './printable.ts';
import type { Style, Terminal } from './terminal.ts';

export interface Column<Row> {
  readonly header: string;
  readonly isNumber?: true;
  /** Raw text; null shows as `-`. */
  text(row: Row): string | null;
  style?(row: Row): Style | undefined;
}

const GAP = '  ';

/**
 * A table with a header line, columns two spaces apart, no spaces at the ends of lines. Whatever is in a cell, it stays in
 * one line and cannot act on the terminal.
 */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Terminal['paint'],
): string {
  const filled = columns.map((column) => {
    const texts = rows.map((row) => printable(column.text(row) ?? '-'));
    return { column, texts, width: Math.max(...[column.header, ...texts].map(displayWidth)) };
  });
  const lineOf = (cellOf: (each: (typeof filled)[number]) => { text: string; style: Style | undefined }): string => {
    let line = '';
    let pending = '';
    for (const each of filled) {
      const { text, style } = cellOf(each);
      const padding = ' '.repeat(each.width - displayWidth(text));
      const painted = style === undefined ? text : paint(style, text);
      line += pending + (each.column.isNumber === true ? padding : '') + painted;
      pending = (each.column.isNumber === true ? '' : padding) + GAP;
    }
    return `${line}\n`;
  };
  const header = lineOf(({ column }) => ({ text: column.header, style: 'bold' }));
  const body = rows.map((row, index) =>
    lineOf(({ column, texts }) => ({ text: texts[index] ?? '', style: column.style?.(row) })),
  );
  return header + body.join('');
}
