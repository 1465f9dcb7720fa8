import { describe, expect, it } from 'vitest';
import type { DeviceNeed } from '../../../electron/engine/memory/estimate-need.ts';
import { lookUpNeed, type LearnedNeed } from '../../../electron/engine/memory/look-up-need.ts';

const need = (weightsBytes: number): DeviceNeed[] => [
  { device: 'RAM', weightsBytes, kvBytes: 20, computeBytes: 3 },
  { device: 'CUDA0', weightsBytes: 100, kvBytes: 0, computeBytes: 0 },
];
const learned: LearnedNeed = {
  predicted: need(1),
  forecast: need(2000),
  measured: need(3000),
  isShrunk: false,
  loadTimesMs: [900, 100, 300],
  tokensPerSecond: null,
};

describe('lookUpNeed', () => {
  it.each<[string, LearnedNeed | undefined, ReturnType<typeof lookUpNeed>['source'], number]>([
    ['what was measured', learned, 'measured', 3123],
    ['the forecast, if it never became ready', { ...learned, measured: null }, 'forecast', 2123],
    ['the forecast, if it was made smaller to fit', { ...learned, isShrunk: true }, 'forecast', 2123],
    ['that, if there is nothing else', { ...learned, isShrunk: true, forecast: null }, 'measured', 3123],
    ['the estimate, if nothing was said', { ...learned, measured: null, forecast: null }, 'estimate', 1123],
    ['the estimate at first', undefined, 'estimate', 1123],
  ])('takes %s', (_, known, source, totalBytes) => {
    expect(lookUpNeed(known, need(1000))).toMatchObject({ source, totalBytes });
  });

  it('expects the median of the load times', () => {
    expect(lookUpNeed(learned, need(1)).expectedLoadMs).toBe(300);
    expect(lookUpNeed(undefined, need(1)).expectedLoadMs).toBeUndefined();
  });
});
