import { formatDuration } from '#shared/model/units.ts';

/** The cells of a request's row. What is not known is a dash, never a zero. Pure. */

const NOTHING = '–';

export function formatWait(ms: number | null): string {
  if (ms === null) return NOTHING;
  return ms < 1 ? '0' : formatDuration(ms);
}

export function formatCount(count: number | null): string {
  return count === null ? NOTHING : String(count).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

export function formatSpeed(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return NOTHING;
  return perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** The time alone today, the day too otherwise; in the time zone of whoever reads it. */
export function formatMoment(at: number, now: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
