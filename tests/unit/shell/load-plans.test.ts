import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import { createLoadPlans, type LoadPlans } from '../../../electron/shell/load-plans.ts';
import { modelView } from '../../fakes/views.ts';
import { gpu, herd, loaded, plan } from './support/views.ts';

describe('createLoadPlans', () => {
  let asked: string[];
  let changes: number;
  let answer: (model: string) => Promise<LoadPlanView>;
  let loadPlans: LoadPlans;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    changes = 0;
    answer = (model) => Promise.resolve(plan(model));
    loadPlans = createLoadPlans({
      plan(model) {
        asked.push(model);
        return answer(model);
      },
      onChange: () => (changes += 1),
    });
  });
  afterEach(() => {
    loadPlans.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const off = [modelView({ id: 'a' }), modelView({ id: 'b' })];
  const withFree = (freeBytes: number, usedByOthersBytes = 1.2e9) =>
    herd(off, { memory: { devices: [gpu({ freeBytes, usedByOthersBytes })], isGameMode: false } });
  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

  it('asks for each model that is not loaded, and tells once', async () => {
    loadPlans.update(herd([...off, loaded('c')]));
    await settle();
    expect(asked).toEqual(['a', 'b']);
    expect([...loadPlans.plans().keys()]).toEqual(['a', 'b']);
    expect(changes).toBe(1);
  });

  it('asks again only if the memory picture has changed, and no sooner than two seconds later', async () => {
    loadPlans.update(withFree(9.1e9));
    await settle();
    loadPlans.update(withFree(9.0e9));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(2);
    loadPlans.update(withFree(9.1e9, 5e9));
    await settle();
    expect(asked).toHaveLength(4);
    loadPlans.update(withFree(9.1e9, 9e9));
    await vi.advanceTimersByTimeAsync(1999);
    expect(asked).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(6);
    // The plans stayed the same, so there was nothing to tell.
    expect(changes).toBe(1);
  });

  it('has one plan in the making at a time, whatever happens meanwhile', async () => {
    const finish: (() => void)[] = [];
    answer = (model) => new Promise((resolve) => finish.push(() => resolve(plan(model))));
    loadPlans.update(withFree(9e9));
    loadPlans.update(withFree(9e9, 8e9));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual(['a']);
    finish[0]!();
    await settle();
    expect(asked).toEqual(['a', 'b']);
    finish[1]!();
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toEqual(['a', 'b', 'a']);
  });

  it('does without a plan that cannot be made, and forgets models that are gone', async () => {
    answer = (model) => (model === 'a' ? Promise.reject(new Error('no file')) : Promise.resolve(plan(model)));
    loadPlans.update(herd(off));
    await settle();
    expect([...loadPlans.plans().keys()]).toEqual(['b']);
    loadPlans.update(herd([modelView({ id: 'c' })]));
    await vi.advanceTimersByTimeAsync(2000);
    expect([...loadPlans.plans().keys()]).toEqual(['c']);
    expect(changes).toBe(2);
  });

  it('plans for no more than are listed', async () => {
    loadPlans.update(herd(Array.from({ length: 80 }, (_, index) => modelView({ id: `m${index}` }))));
    await settle();
    expect(asked).toHaveLength(50);
  });

  it('asks for none while nothing can be loaded', async () => {
    const playing = herd(off, { memory: { devices: [gpu()], isGameMode: true } });
    const idle = herd(off);
    loadPlans.update(playing);
    loadPlans.update({ ...idle, instance: { ...idle.instance, isShuttingDown: true } });
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toEqual([]);
    loadPlans.update(idle);
    await settle();
    expect(asked).toEqual(['a', 'b']);
  });

  it('waits for a snapshot, and stops when it is closed', async () => {
    loadPlans.update(undefined);
    await settle();
    expect(asked).toEqual([]);
    answer = (model) => {
      loadPlans.close();
      return Promise.resolve(plan(model));
    };
    loadPlans.update(herd(off));
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toEqual(['a']);
    expect(changes).toBe(0);
  });
});
