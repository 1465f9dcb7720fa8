import { describe, expect, it } from 'vitest';
import type { DeviceView, MemoryView } from '#shared/contract/memory.ts';
import { createSteadyMemory } from '../../../electron/engine/memory/steady-memory.ts';

const device: DeviceView = {
  id: 'CUDA0',
  name: 'GPU',
  kind: 'gpu',
  totalBytes: 10_000,
  freeBytes: 5000,
  budgetBytes: 9000,
  usedByOthersBytes: 1000,
  models: [{ model: 'a', bytes: 4000 }],
  isStale: false,
  problem: null,
};
const viewOf = (changes: Partial<DeviceView> = {}, isGameMode = false): MemoryView => ({
  devices: [{ ...device, ...changes }],
  isGameMode,
});

describe('createSteadyMemory', () => {
  it('stays as it is while others take or give back next to nothing, and follows once that adds up', () => {
    let read = viewOf();
    const memory = createSteadyMemory(() => read);
    const first = memory.view();
    for (const usedByOthersBytes of [1010, 960, 1050]) {
      read = viewOf({ usedByOthersBytes, freeBytes: 5000 - (usedByOthersBytes - 1000) });
      expect(memory.view()).toBe(first);
    }
    read = viewOf({ usedByOthersBytes: 1051 });
    expect(memory.view()).toBe(read);
  });

  it.each<[string, MemoryView]>([
    ['what a model holds', viewOf({ models: [{ model: 'a', bytes: 4001 }] })],
    ['a model that came', viewOf({ models: [...device.models, { model: 'b', bytes: 1 }] })],
    ['a probe that fails', viewOf({ isStale: true, problem: 'nvidia-smi hangs' })],
    ['a device that no longer tells what is free', viewOf({ freeBytes: null })],
    ['game mode', viewOf({}, true)],
    ['a device that is gone', { devices: [], isGameMode: false }],
  ])('follows at once: %s', (_what, next) => {
    let read = viewOf();
    const memory = createSteadyMemory(() => read);
    memory.view();
    read = next;
    expect(memory.view()).toBe(next);
  });

  it('is news once', () => {
    let read = viewOf();
    const memory = createSteadyMemory(() => read);
    expect(memory.news()).toBe(read);
    expect(memory.news()).toBeUndefined();
    read = viewOf({ usedByOthersBytes: 1001 });
    expect(memory.news()).toBeUndefined();
    read = viewOf({ usedByOthersBytes: 3000 });
    expect(memory.news()).toBe(read);
  });
});
