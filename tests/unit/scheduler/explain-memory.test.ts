import { describe, expect, it } from 'vitest';
import { RAM, type DeviceFacts } from '../../../electron/engine/memory/device-facts.ts';
import {
  availableBeside,
  explainHeld,
  explainHolders,
  explainTooLarge,
} from '../../../electron/engine/scheduler/explain-memory.ts';
import { plainModelFacts } from '../../fakes/model-facts.ts';
import { offloadedNeed } from './support/memory-world.ts';

const GB = 1e9;
const gpu = (usedByOthers = 0): DeviceFacts => ({
  id: 'CUDA0',
  kind: 'gpu',
  totalBytes: 24 * GB,
  budgetBytes: 20 * GB,
  usedByOthersBytes: usedByOthers * GB,
});
const ram: DeviceFacts = {
  id: RAM,
  kind: 'ram',
  totalBytes: 64 * GB,
  budgetBytes: 60 * GB,
  usedByOthersBytes: 10 * GB,
};
const need = offloadedNeed(30 * GB, { offload: 'all', hostBytes: GB, cpuBytes: 31 * GB });
const a = {
  ...plainModelFacts,
  id: 'a',
  state: 'ready' as const,
  reserved: new Map([
    ['CUDA0', 15 * GB],
    [RAM, GB],
  ]),
};

describe('what is available beside models', () => {
  it('is the budget, less what others took beyond the rest, less what stays', () => {
    expect(availableBeside([a], [gpu(), ram])).toEqual(
      new Map([
        ['CUDA0', 5 * GB],
        [RAM, 53 * GB],
      ]),
    );
    expect(availableBeside([], [gpu(9), ram]).get('CUDA0')).toBe(15 * GB);
  });
});

describe('a refusal', () => {
  it('has both numbers and what to do', () => {
    expect(explainTooLarge(need, [gpu(), ram])).toBe(
      'It needs 30.0 GB of GPU memory and 1.0 GB of system memory, and 20.0 GB of CUDA0, 54.0 GB of RAM is all there is for models. ' +
        'Choose a smaller quantization, set a smaller contextSize, or raise memory.budgets.',
    );
  });

  it('says so if other programs are to blame', () => {
    expect(explainTooLarge(offloadedNeed(18 * GB, { offload: 'all' }), [gpu(9), ram])).toContain(
      '15.0 GB of CUDA0, 54.0 GB of RAM is all there is for models, because other programs hold the rest. Close some,',
    );
  });

  it('speaks of memory where there is no accelerator, or none may be used', () => {
    expect(explainTooLarge({ ...need, cpuBytes: 80 * GB }, [ram])).toMatch(
      /^It needs 80\.0 GB of memory, and 54\.0 GB of RAM/,
    );
    expect(explainTooLarge({ ...need, offload: 'none', cpuBytes: 80 * GB }, [gpu(), ram])).toMatch(
      /^It needs 80\.0 GB of memory/,
    );
  });

  it('names those that hold it', () => {
    expect(explainHeld(need, [a], [gpu(), ram], 'what holds it is pinned')).toBe(
      'It needs 30.0 GB of GPU memory and 1.0 GB of system memory; free are 5.0 GB of CUDA0, 53.0 GB of RAM, and what holds it is pinned: ' +
        'a 16.0 GB. Eject or unpin one.',
    );
  });
});

describe('who has the memory', () => {
  it('is told with other programs, and without the model itself', () => {
    const own = { ...a, id: 'x' };
    expect(explainHolders(need, [gpu(9)], [a, own], 'x')).toBe(
      'It was thought to need 30.0 GB of GPU memory and 1.0 GB of system memory. Free: 0 B of CUDA0. ' +
        'Held by: a 16.0 GB, other programs 9.0 GB of CUDA0.',
    );
  });

  it('is said to be unknown where it is', () => {
    expect(explainHolders(undefined, [gpu()], [], 'x')).toBe('Free: 20.0 GB of CUDA0. Held by: nothing known.');
  });
});
