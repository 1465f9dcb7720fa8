import { describe, expect, it } from 'vitest';
import type { LoadPlanView, NeedView } from '#shared/contract/memory.ts';
import {
  bytesByDevice,
  describeContext,
  describeSource,
  predictedLines,
} from '../../../../renderer/features/memory/describe-need.ts';
import { modelView } from '../../../fakes/views.ts';

const need: NeedView = { source: 'estimate', offloadedBytes: 5e9, hostBytes: 1e9, cpuBytes: 7e9, contextSize: 8192 };

const plan = (placement: Record<string, number>): LoadPlanView => ({
  model: 'a',
  isLoaded: false,
  outcome: 'fits',
  need,
  placement,
  freeBytes: {},
  ejects: [],
  keeps: [],
  waitsFor: [],
  expectedLoadMs: null,
  problem: null,
});

describe('what is predicted', () => {
  it('is where the load would go, before anything older', () => {
    const needHistory = { predictedBytes: { CUDA1: 1e9 }, measuredBytes: null, loadTimesMs: [], tokensPerSecond: null };
    expect(predictedLines(modelView({ needHistory }), plan({ RAM: 1e9, CUDA0: 5e9 }))).toEqual([
      '≈5.0 GB of CUDA0',
      '≈1.0 GB of RAM',
    ]);
    expect(predictedLines(modelView({ needHistory }), undefined)).toEqual(['≈1.0 GB of CUDA1']);
  });

  it('is not marked as a guess where it was measured', () => {
    const measured: LoadPlanView = { ...plan({ CUDA0: 5e9 }), need: { ...need, source: 'measured' } };
    expect(predictedLines(modelView(), measured)).toEqual(['5.0 GB of CUDA0']);
  });

  it('is the sum where nobody has said yet which device', () => {
    expect(predictedLines(modelView({ need }), undefined)).toEqual(['≈6.0 GB']);
    expect(predictedLines(modelView({ need: { ...need, offloadedBytes: 0 } }), undefined)).toEqual(['≈7.0 GB']);
  });

  it('is nothing where nobody knows', () => {
    expect(predictedLines(modelView({ need: { ...need, source: 'unknown' } }), undefined)).toEqual([]);
    expect(predictedLines(modelView(), undefined)).toEqual([]);
  });
});

describe('where a need is known from', () => {
  it.each([
    [modelView({ need }), 'estimate from the file'],
    [modelView({ need: { ...need, source: 'forecast' } }), 'llama-server’s forecast'],
    [modelView({ kind: 'command' }), 'its own command: Corral cannot tell'],
    [modelView(), 'not asked for yet'],
  ])('is said in words', (given, expected) => {
    expect(describeSource(given, undefined)).toBe(expected);
  });

  it('falls back on the plan’s', () => {
    expect(describeSource(modelView(), plan({}))).toBe('estimate from the file');
  });
});

describe('small things', () => {
  it('leaves out devices that hold nothing', () => {
    expect(bytesByDevice({ CUDA0: 0, RAM: 2e9 })).toEqual(['2.0 GB of RAM']);
  });

  it('marks a context that is only planned', () => {
    expect(describeContext(modelView({ contextSize: 4096 }), undefined)).toBe('4096 tokens');
    expect(describeContext(modelView({ need }), undefined)).toBe('≈8192 tokens');
    expect(describeContext(modelView(), undefined)).toBe('');
  });
});
