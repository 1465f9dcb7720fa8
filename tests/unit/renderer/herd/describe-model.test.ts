import { describe, expect, it } from 'vitest';
import type { DeviceView, LoadPlanView, NeedView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { describeConsequence, describePlan, describePlanSize } from '#shared/model/describe-plan.ts';
import { availableBytes, describeDevice } from '../../../../renderer/components/memory-bar.tsx';
import {
  describeActivity,
  describeMemory,
  describeState,
  formatRate,
} from '../../../../renderer/features/herd/describe-model.ts';
import { pickDevices } from '../../../../renderer/features/herd/device-strip.tsx';
import { formatCommandLine } from '../../../../renderer/features/herd/format-command-line.ts';
import { modelView, NOW_MS } from '../../../fakes/views.ts';

const need: NeedView = { source: 'estimate', offloadedBytes: 5e9, hostBytes: 1e8, cpuBytes: 6e9, contextSize: null };
const plan = (changes: Partial<LoadPlanView> = {}): LoadPlanView => ({
  model: 'qwen3',
  isLoaded: false,
  outcome: 'fits',
  need,
  placement: { CUDA0: 5e9 },
  freeBytes: { CUDA0: 9e9 },
  ejects: [],
  keeps: [],
  waitsFor: [],
  expectedLoadMs: null,
  problem: null,
  ...changes,
});
const ejects = [{ model: 'gemma', reason: 'idle 12 min', bytes: { CUDA0: 4e9 } }];

describe('a row', () => {
  it.each<[Partial<ModelView>, string]>([
    [{ state: 'off' }, 'off'],
    [{ state: 'loading' }, 'loading'],
    [{ state: 'loading', loadProgress: 0.424 }, 'loading 42 %'],
    [{ state: 'ready' }, 'ready'],
    [{ state: 'ready', activeRequests: 2 }, 'busy'],
    [{ state: 'draining' }, 'finishing, then ejected'],
    [{ state: 'failed' }, 'failed'],
  ])('%j is %j', (changes, expected) => {
    expect(describeState(modelView(changes))).toBe(expected);
  });

  it('shows what a loaded model holds, and marks what was not measured', () => {
    const loaded = modelView({ state: 'ready', reservedBytes: { CUDA0: 8.4e9 }, need });
    expect(describeMemory(loaded, undefined)).toBe('≈8.4 GB');
    expect(describeMemory({ ...loaded, need: { ...need, source: 'measured' } }, undefined)).toBe('8.4 GB');
  });

  it('shows what a load would take', () => {
    expect(describeMemory(modelView(), plan())).toBe('≈5.0 GB');
    expect(describeMemory(modelView(), undefined)).toBe('');
    expect(describeMemory(modelView(), plan({ need: null, outcome: 'unknown' }))).toBe('');
  });

  it.each<[Partial<ModelView>, LoadPlanView | undefined, string]>([
    [{}, undefined, ''],
    [{}, plan(), 'ejects nothing'],
    [{}, plan({ outcome: 'evicts', ejects }), 'ejects gemma'],
    [{}, plan({ outcome: 'waits', waitsFor: ['gemma'] }), 'waits for gemma'],
    [{}, plan({ outcome: 'waits' }), 'waits for memory'],
    [{}, plan({ outcome: 'no-room' }), 'won’t fit'],
    [{ state: 'failed' }, plan(), ''],
    [{ waitingRequests: 3 }, plan(), 'ejects nothing · waits: 3'],
    [{ state: 'starting', detail: 'llama-server is fetched' }, undefined, 'llama-server is fetched'],
    [{ state: 'ready', lastUsedAt: NOW_MS - 240_000 }, undefined, 'idle 4 min'],
    [{ state: 'ready', lastUsedAt: NOW_MS - 99_000 }, undefined, 'just used'],
    [{ state: 'ready', activeRequests: 2, concurrency: 4 }, undefined, '2/4 slots'],
  ])('%j with its plan says %#', (changes, itsPlan, expected) => {
    expect(describeActivity(modelView(changes), itsPlan, NOW_MS)).toBe(expected);
  });

  it('shows the speed of a busy model', () => {
    const needHistory = { predictedBytes: {}, measuredBytes: null, loadTimesMs: [], tokensPerSecond: 38.2 };
    const busy = modelView({ state: 'ready', activeRequests: 1, needHistory });
    expect(describeActivity(busy, undefined, NOW_MS)).toBe('1 request · 38 tok/s');
  });

  it('rounds speeds to what matters', () => {
    expect([formatRate(41.4), formatRate(3.14)]).toEqual(['41', '3.1']);
  });
});

describe('a plan in a few words', () => {
  it.each<[Partial<LoadPlanView>, string | undefined, string | undefined]>([
    [{}, '≈5.0 GB', 'ejects nothing'],
    [{ outcome: 'evicts', ejects }, '≈5.0 GB', 'ejects gemma'],
    [{ outcome: 'no-room', placement: {} }, '≈6.0 GB', 'won’t fit'],
    [{ outcome: 'waits', waitsFor: ['a', 'b'], need: { ...need, source: 'measured' } }, '5.0 GB', 'waits for a, b'],
    [{ outcome: 'unknown', need: null }, undefined, undefined],
  ])('%j', (changes, size, consequence) => {
    expect([describePlanSize(plan(changes)), describeConsequence(plan(changes))]).toEqual([size, consequence]);
  });

  it('says in whole sentences what would be ejected and why', () => {
    const lines = describePlan(plan({ outcome: 'evicts', ejects, keeps: ['nomic'], expectedLoadMs: 4000 }));
    expect(lines.join('\n')).toContain('ejects gemma (idle 12 min), frees 4.0 GB of CUDA0');
    expect(lines.at(-1)).toBe('  loads in about 4.0 s');
  });
});

describe('a device', () => {
  const device: DeviceView = {
    id: 'CUDA0',
    name: 'GPU',
    kind: 'gpu',
    totalBytes: 24e9,
    freeBytes: 12e9,
    budgetBytes: 23e9,
    usedByOthersBytes: 2e9,
    models: [{ model: 'qwen3', bytes: 10e9 }],
    isStale: false,
    problem: null,
  };

  it('has for models what budget and other programs leave', () => {
    expect(availableBytes(device)).toBe(12e9);
    expect(availableBytes({ ...device, budgetBytes: 11e9 })).toBe(1e9);
    expect(availableBytes({ ...device, usedByOthersBytes: 20e9 })).toBe(0);
  });

  it('can be read out', () => {
    expect(describeDevice(device)).toBe(
      'CUDA0, 24.0 GB: qwen3 10.0 GB, other programs 2.0 GB, free for models 12.0 GB',
    );
  });

  it('is shown if it is a GPU; system memory only where models are in it, or there is nothing else', () => {
    const ram: DeviceView = { ...device, id: 'RAM', kind: 'ram', models: [] };
    expect(pickDevices([device, ram])).toEqual([device]);
    expect(pickDevices([ram])).toEqual([ram]);
    const used = { ...ram, models: device.models };
    expect(pickDevices([device, used])).toEqual([device, used]);
  });
});

describe('a command line', () => {
  it('can be pasted into a shell', () => {
    expect(formatCommandLine(['llama-server', '--alias', 'a b', "it's", '$(x)', ''])).toBe(
      `llama-server --alias 'a b' 'it'\\''s' '$(x)' ''`,
    );
  });
});
