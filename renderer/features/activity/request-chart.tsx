import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import { formatDuration } from '#shared/model/units.ts';
import { bucketRequests, type TimeBuckets } from './request-list.ts';
import styles from './activity-page.module.css';

const HEIGHT_PX = 72;
const MAX_BUCKETS = 120;

/** How many requests there were over time: all of them in the accent, on top of it those with a problem in red. */
export function RequestChart({ requests }: { readonly requests: readonly RequestRecord[] }) {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const buckets = bucketRequests(requests, MAX_BUCKETS);
  const data = toData(buckets);
  const key = JSON.stringify(data);

  useEffect(() => {
    const element = container.current;
    if (element === null) return undefined;
    const build = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(optionsFor(element.clientWidth), [[], [], []], element);
    };
    build();
    const resized = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    // A canvas has its colours from when it was drawn.
    const themed = new MutationObserver(() => chart.current?.redraw());
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);

  useEffect(() => chart.current?.setData(JSON.parse(key) as uPlot.AlignedData), [key]);

  return <div ref={container} className={styles['chart']} role="img" aria-label={describeBuckets(buckets)} />;
}

/** Problems are drawn over all, so that together they stack. */
function toData({ startsS, answered, problems }: TimeBuckets): uPlot.AlignedData {
  return [[...startsS], answered.map((count, index) => count + (problems[index] ?? 0)), [...problems]];
}

function describeBuckets({ answered, problems, widthMs }: TimeBuckets): string {
  const all = answered.map((count, index) => count + (problems[index] ?? 0));
  const most = Math.max(0, ...all);
  return `Requests over time, in steps of ${formatDuration(widthMs)}: at most ${most} in one step`;
}

function optionsFor(width: number): uPlot.Options {
  const bars = uPlot.paths.bars?.({ size: [0.8, 24], align: 1 });
  const colour = (name: string) => (): string => getComputedStyle(document.documentElement).getPropertyValue(name);
  const series = (label: string, name: string): uPlot.Series => ({
    label,
    fill: colour(name),
    stroke: colour(name),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'),
    font: '11px system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: colour('--line'), width: 1 },
  };
  return {
    width,
    height: HEIGHT_PX,
    cursor: { show: false },
    legend: { show: false },
    padding: [6, 0, 0, 0],
    scales: {
      // A bar begins at its time, so the last one needs room behind it.
      x: { range: (chart, min, max) => [min, max + stepOf(chart)] },
      y: { range: (_, __, max) => [0, Math.max(1, max)] },
    },
    axes: [
      { ...axis, size: 20, gap: 2, space: 80, grid: { show: false }, values: timeLabels },
      { ...axis, size: 34, gap: 4, space: 24, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
    ],
    series: [{}, series('requests', '--accent'), series('problems', '--trouble')],
  };
}

/** The seconds from one bar to the next. */
function stepOf({ data: [times] }: uPlot): number {
  return (times[1] ?? 1) - (times[0] ?? 0);
}

/** `14:05`, and seconds where the steps are that small. */
function timeLabels(_: uPlot, splits: number[], __: number, ___: number, increment: number): string[] {
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000);
    const parts = [date.getHours(), date.getMinutes(), ...(increment < 60 ? [date.getSeconds()] : [])];
    const time = parts.map((part) => String(part).padStart(2, '0')).join(':');
    return increment < 86_400 ? time : `${date.getMonth() + 1}-${date.getDate()} ${time}`;
  });
}
