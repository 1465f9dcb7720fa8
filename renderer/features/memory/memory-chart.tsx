import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatSize } from '#shared/model/units.ts';
import { useTheme } from '../../store/use-theme.ts';
import styles from './memory-chart.module.css';
import type { StackedHistory } from './stack-history.ts';

const HEIGHT = 140;
/** Whole minutes, since the labels have no seconds. */
const TICK_SECONDS = [60, 120, 300, 600, 900, 1800];

export interface MemoryChartProps {
  readonly label: string;
  readonly stacked: StackedHistory;
  readonly totalBytes: number;
  readonly budgetBytes: number;
  readonly colours: ReadonlyMap<string, number>;
  /** The ends of the time axis, milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** The position in `times` under the pointer. */
  onCursor(index: number | undefined): void;
}

/** A device's memory over time, stacked by owner. What it shows is also in the legend and the table beside it. */
export function MemoryChart(props: MemoryChartProps) {
  const { label, stacked, totalBytes, budgetBytes, colours, from, to, onCursor } = props;
  const theme = useTheme();
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const ends = useRef({ from, to });
  const ownersKey = JSON.stringify(stacked.owners.map((owner) => [owner, colours.get(owner)]));

  useEffect(() => {
    const element = container.current;
    if (element === null) return undefined;
    const owners = JSON.parse(ownersKey) as [string, number | null][];
    const created = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
        scales: {
          x: { time: true, range: () => [ends.current.from / 1000, ends.current.to / 1000] },
          y: { range: (_chart, _low, high) => [0, Math.max(totalBytes, high, 1)] },
        },
        axes: [
          {
            ...axisLook(),
            size: 28,
            space: 80,
            incrs: TICK_SECONDS,
            values: (_chart, splits) => splits.map(formatClock),
          },
          { ...axisLook(), size: 64, space: 32, values: (_chart, splits) => splits.map(formatSize) },
        ],
        series: [{}, layer('var(--others)'), ...owners.map(([, colour]) => layer(colourOf(colour))).reverse()],
        hooks: {
          draw: [(plot) => drawBudget(plot, budgetBytes)],
          setCursor: [
            ({ cursor }) =>
              onCursor(typeof cursor.idx === 'number' && (cursor.left ?? -1) >= 0 ? cursor.idx : undefined),
          ],
        },
      },
      [[]],
      element,
    );
    chart.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
      chart.current = undefined;
    };
  }, [theme, ownersKey, totalBytes, budgetBytes, onCursor]);

  // After the one above, and whenever that ran: a new chart is empty.
  useEffect(() => {
    ends.current = { from, to };
    chart.current?.setData([[...stacked.times], ...[...stacked.tops].reverse().map((values) => [...values])]);
  }, [stacked, from, to, theme, ownersKey, totalBytes, budgetBytes, onCursor]);

  return <div ref={container} className={styles['chart']} role="img" aria-label={label} />;
}

/** Drawn from the highest to the lowest, each over what is above it, down to the ground. */
function layer(colour: string): uPlot.Series {
  const paths = uPlot.paths.stepped?.({ align: 1 });
  return {
    fill: resolveColour(colour),
    stroke: resolveColour('var(--surface)'),
    width: 1,
    points: { show: false },
    ...(paths === undefined ? {} : { paths }),
  };
}

function colourOf(colour: number | null): string {
  return colour === null ? 'var(--line-strong)' : `var(--model-${colour})`;
}

function axisLook(): Pick<uPlot.Axis, 'stroke' | 'font' | 'grid' | 'ticks'> {
  const line = resolveColour('var(--line)');
  const font = getComputedStyle(document.documentElement).getPropertyValue('--font');
  return {
    stroke: resolveColour('var(--ink-soft)'),
    font: `12px ${font}`,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
  };
}

function drawBudget(plot: uPlot, budgetBytes: number): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(budgetBytes, 'y', true));
  ctx.save();
  ctx.strokeStyle = resolveColour('var(--ink)');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** A canvas knows no custom properties. */
function resolveColour(colour: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name === undefined ? colour : getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function formatClock(seconds: number): string {
  return clock.format(seconds * 1000);
}
