import { describe, expect, it } from 'vitest';
import { accountDevices, findIdleBudgets, type Holder } from '../../../electron/engine/memory/device-accounting.ts';
import type { DeviceFacts } from '../../../electron/engine/memory/device-facts.ts';
import type { MemoryDevice } from '../../../electron/engine/memory/merge-devices.ts';
import { probedDevice } from './support/devices.ts';

const GIB = 1024 ** 3;
const settings = { reserveBytes: GIB, budgetsBytes: {} };

function device(changes: Partial<MemoryDevice> = {}): MemoryDevice {
  return {
    ...probedDevice({ id: 'CUDA0', totalBytes: 24 * GIB, freeBytes: 10 * GIB }),
    isListed: true,
    aliases: [],
    ...changes,
  };
}
const holder = (gib: number, changes: Partial<Holder> = {}): Holder => ({
  modelId: 'a',
  pid: 7,
  held: new Map([['CUDA0', gib * GIB]]),
  isSettled: true,
  ...changes,
});
const before = new Map<string, DeviceFacts>([
  ['CUDA0', { id: 'CUDA0', kind: 'gpu', totalBytes: 24 * GIB, budgetBytes: 23 * GIB, usedByOthersBytes: 3 * GIB }],
]);

describe('what other programs use', () => {
  it.each([
    { name: 'all that is taken, without models of ours', holders: [], others: 14 },
    { name: 'what is taken less what ours were measured to hold', holders: [holder(10)], others: 4 },
    { name: 'never less than nothing', holders: [holder(20)], others: 0 },
    { name: 'as before while one of ours loads', holders: [holder(10, { isSettled: false })], others: 3 },
    {
      name: 'by process where the device tells, even while one of ours loads',
      device: { usedByPid: new Map([[7, 6 * GIB]]) },
      holders: [holder(10, { isSettled: false })],
      others: 8,
    },
    {
      name: 'by what is missing in free memory, not by mapped files',
      device: { usedByPid: new Map([[7, 12 * GIB]]), heldByPid: new Map([[7, 2 * GIB]]) },
      holders: [holder(10)],
      others: 12,
    },
    {
      name: 'as before where the device does not tell what is free',
      device: { freeBytes: undefined },
      holders: [],
      others: 3,
    },
  ])('is $name', ({ device: changes = {}, holders, others }) => {
    const [facts] = accountDevices([device(changes)], holders, settings, before);
    expect((facts?.usedByOthersBytes ?? 0) / GIB).toBe(others);
  });

  it('is nothing where nobody ever knew', () => {
    const [facts] = accountDevices([device({ freeBytes: undefined })], [], settings, new Map());
    expect(facts?.usedByOthersBytes).toBe(0);
  });
});

describe('the budget of a device', () => {
  const budgets: readonly { name: string; budgets: Record<string, number>; budget: number }[] = [
    { name: 'all but the reserve', budgets: {}, budget: 23 },
    { name: 'as configured', budgets: { CUDA0: 8 * GIB }, budget: 8 },
    { name: 'as configured by another name of it', budgets: { Vulkan0: 8 * GIB }, budget: 8 },
    { name: 'never more than all but the reserve', budgets: { CUDA0: 80 * GIB }, budget: 23 },
    { name: 'nothing if so configured', budgets: { CUDA0: 0 }, budget: 0 },
    { name: 'not that of another device', budgets: { CUDA1: 0 }, budget: 23 },
  ];
  it.each(budgets)('is $name', ({ budgets: budgetsBytes, budget }) => {
    // `toString`: a name that every object has.
    const [facts] = accountDevices(
      [device({ aliases: ['toString', 'Vulkan0'] })],
      [],
      { ...settings, budgetsBytes },
      new Map(),
    );
    expect((facts?.budgetBytes ?? 0) / GIB).toBe(budget);
  });

  it('is nothing where the reserve is more than there is', () => {
    const [facts] = accountDevices([device()], [], { reserveBytes: 30 * GIB, budgetsBytes: {} }, new Map());
    expect(facts?.budgetBytes).toBe(0);
  });
});

it('leaves out what llama-server does not offer, and keeps system memory', () => {
  const devices = [
    device({ id: 'GPU-1', isListed: false }),
    device({ id: 'GPU-2', isListed: undefined }),
    device(),
    device({ id: 'RAM', kind: 'ram', isListed: undefined }),
  ];
  expect(accountDevices(devices, [], settings, new Map()).map(({ id }) => id)).toEqual(['CUDA0', 'RAM']);
});

describe('budgets for devices that are not there', () => {
  const ofBudgets = (budgetsBytes: Record<string, number>, ...devices: MemoryDevice[]): string[] =>
    findIdleBudgets(devices, { ...settings, budgetsBytes });
  const ram = device({ id: 'RAM', kind: 'ram', isListed: undefined });

  it('are found by all names of all devices', () => {
    const budgets = { CUDA0: 1, Vulkan0: 1, RAM: 1, CUDA1: 1 };
    expect(ofBudgets(budgets, device({ aliases: ['Vulkan0'] }), ram)).toEqual(['CUDA1']);
  });

  it('cannot be told before llama-server has named its devices', () => {
    expect(ofBudgets({ CUDA1: 1 }, device({ id: 'GPU-1', isListed: undefined }), ram)).toEqual([]);
  });
});
