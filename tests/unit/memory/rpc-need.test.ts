import { describe, expect, it } from 'vitest';
import { checkDevices } from '../../../electron/engine/memory/check-devices.ts';
import type { DeviceFacts } from '../../../electron/engine/memory/device-facts.ts';
import type { DeviceNeed } from '../../../electron/engine/memory/estimate-need.ts';
import { createNeedFinder } from '../../../electron/engine/memory/find-need.ts';
import type { LearnedNeed } from '../../../electron/engine/memory/look-up-need.ts';
import { findPlacement } from '../../../electron/engine/memory/placement.ts';
import { parseHelp } from '../../../electron/engine/llama/capabilities.ts';
import { fileModelConfig } from '../../fakes/model-config.ts';
import { mib, model as metadata } from './support/metadata.ts';

const gib = 1024 * mib;
const gpu: DeviceFacts = { id: 'CUDA0', kind: 'gpu', totalBytes: 8 * gib, budgetBytes: 8 * gib, usedByOthersBytes: 0 };
const ram: DeviceFacts = { id: 'RAM', kind: 'ram', totalBytes: 4 * gib, budgetBytes: 4 * gib, usedByOthersBytes: 0 };
const devices = [gpu, ram];
const huge = metadata({ outputBytes: 100 * gib });

async function needOf(rpc: readonly string[], learned?: LearnedNeed) {
  const find = createNeedFinder({
    metadata: { read: () => Promise.resolve(huge) } as unknown as Parameters<typeof createNeedFinder>[0]['metadata'],
    learned: { lookUp: () => learned } as unknown as Parameters<typeof createNeedFinder>[0]['learned'],
    logger: { log: () => undefined },
    devices: () => devices,
    findBuild: () => Promise.resolve({ id: 'b1', executable: '/llama-server', origin: 'path' }),
    readCapabilities: () => Promise.resolve(parseHelp('', '')),
  });
  const found = await find(fileModelConfig('m', { rpc, gpuLayers: 'all', contextSize: 4096 }));
  if (found === undefined) throw new Error('nothing was found');
  return found.need;
}

const empty = new Map(devices.map(({ id, budgetBytes }) => [id, budgetBytes]));

describe('what a model on RPC workers needs here', () => {
  it('is not known before it ran, which is no reason to refuse it', async () => {
    expect(findPlacement(await needOf([]), devices, empty), 'without workers it is too large').toBeUndefined();
    const need = await needOf(['10.0.0.5:50052']);
    expect(need.source).toBe('unknown');
    expect(findPlacement(need, devices, empty)).toBeDefined();
  });

  it('is what was measured of this machine afterwards', async () => {
    const part = (device: string, weightsBytes: number): DeviceNeed => ({
      device,
      weightsBytes,
      kvBytes: 0,
      computeBytes: 0,
    });
    const need = await needOf(['10.0.0.5:50052'], {
      predicted: [],
      forecast: null,
      measured: [part('RAM', gib), part('CUDA0', 5 * gib), part('RPC0', 60 * gib)],
      isShrunk: false,
      loadTimesMs: [1],
      tokensPerSecond: null,
    });
    expect(need.source).toBe('measured');
    const placement = findPlacement(need, devices, empty);
    expect(placement?.devices).toEqual(['CUDA0']);
    expect(placement?.bytes.get('CUDA0')).toBeGreaterThan(5 * gib);
    expect(placement?.bytes.get('CUDA0')).toBeLessThan(6 * gib);
  });
});

describe('devices of workers', () => {
  it('may be named by models that have workers', () => {
    const models = (rpc: readonly string[]) => [fileModelConfig('m', { rpc, devices: ['RPC0'] })];
    expect(checkDevices({ budgetsBytes: {}, models: models(['h:1']) }, [], true)).toEqual([]);
    expect(checkDevices({ budgetsBytes: {}, models: models([]) }, [], true)).toHaveLength(1);
  });
});
