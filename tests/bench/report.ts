import type { Cell, Goal, Row, Table } from './bench.ts';
import { isWide } from './statistics.ts';

const WIDE_MARK = ' ≈';

/** Three digits that mean something, whatever the size. */
function formatNumber(value: number, unit: Row['unit']): string {
  if (Number.isNaN(value)) return '–';
  if (unit === '') return String(value);
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(unit === '×' || size < 10 ? 2 : size < 100 ? 1 : 0);
}

function formatCell(cell: Cell, unit: Row['unit'], isRatio: boolean): string {
  if (cell === undefined) return '–';
  const shown = isRatio ? '×' : unit;
  if (typeof cell === 'number') return formatNumber(cell, shown);
  if (Number.isNaN(cell.median)) return '–';
  const [median, min, max] = [cell.median, cell.min, cell.max].map((value) => formatNumber(value, shown));
  return `${median ?? ''} (${min ?? ''}–${max ?? ''})${isWide(cell) ? WIDE_MARK : ''}`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function renderTable({ title, columns, rows }: Table): string {
  const isRatio = columns.map((column) => column.includes('÷'));
  const body = rows.map(({ name, unit, cells }) => [
    unit === '' ? name : `${name}, ${unit.replace('/s', 'a second')}`,
    ...cells.map((cell, index) => formatCell(cell, unit, isRatio[index] === true)),
  ]);
  return `### ${title}\n\n${markdownTable(['', ...columns], body)}\n`;
}

export function isReached({ bound, measured }: Goal): boolean {
  return 'atLeast' in bound ? measured >= bound.atLeast : measured <= bound.atMost;
}

export function renderGoals(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => {
    const { name, bound, unit, measured } = goal;
    const suffix = unit === '' || unit === '×' ? '' : ` ${unit}`;
    return [
      name,
      'atLeast' in bound ? `≥ ${bound.atLeast}${suffix}` : `≤ ${bound.atMost}${suffix}`,
      Number.isNaN(measured) ? '–' : `${formatNumber(measured, unit)}${suffix}`,
      Number.isNaN(measured) ? 'not measured' : isReached(goal) ? 'reached' : '**missed**',
    ];
  });
  return `### Goals\n\n${markdownTable(['goal', 'bound', 'measured', ''], rows)}\n`;
}

/** A line about figures that should not be trusted; undefined if there is none. */
export function warnAboutSpread(tables: readonly Table[]): string | undefined {
  const cells = tables.flatMap((table) => table.rows.flatMap((row) => row.cells));
  const spreads = cells.filter((cell) => typeof cell === 'object');
  const wide = spreads.filter(isWide).length;
  if (wide === 0) return undefined;
  return (
    `Warning: ${wide} of ${spreads.length} figures vary by more than half of their median between rounds ` +
    `(marked${WIDE_MARK}). The machine was busy with something else, or the figure is a rare event's.`
  );
}
