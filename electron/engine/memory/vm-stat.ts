import { probeFailure } from './probe-failure.ts';

/**
 * What macOS could hand out without swapping, from `vm_stat`: pages that are free, read ahead or not in use lately. (Purgeable
 * pages are among the last.) Source: vm_stat(1); the same sum as psutil's `available`. Throws `probe-failed`. Pure.
 */
export function parseVmStat(text: string): { readonly availableBytes: number } {
  const pageBytes = Number(/page size of (\d{1,9}) bytes/.exec(text)?.[1] ?? Number.NaN);
  const pagesOf = (field: string): number =>
    Number(new RegExp(`^Pages ${field}:\\s+(\\d{1,15})\\.?$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const availableBytes = pageBytes * (pagesOf('free') + pagesOf('inactive') + pagesOf('speculative'));
  if (!Number.isSafeInteger(availableBytes)) throw probeFailure('vm_stat does not tell what is free', { said: text });
  return { availableBytes };
}
