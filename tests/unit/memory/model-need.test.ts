import { describe, expect, it } from 'vitest';
import type { DeviceNeed } from '../../../electron/engine/memory/estimate-need.ts';
import { automaticContexts, modelNeed } from '../../../electron/engine/memory/model-need.ts';
import { commandModelConfig, fileModelConfig } from '../../fakes/model-config.ts';

const MIB = 1024 ** 2;
const on = (device: string, weights: number, kv = 0, compute = 0): DeviceNeed => ({
  device,
  weightsBytes: weights * MIB,
  kvBytes: kv * MIB,
  computeBytes: compute * MIB,
});

describe('contexts Corral may choose from', () => {
  it.each([
    { name: 'what it was trained with, halved down to 4k', trained: 32_768, contexts: [32_768, 16_384, 8192, 4096] },
    { name: '32k at most', trained: 131_072, contexts: [32_768, 16_384, 8192, 4096] },
    { name: 'odd lengths, whole numbers', trained: 10_001, contexts: [10_001, 5000] },
    { name: 'a short one as it is', trained: 2048, contexts: [2048] },
    { name: 'one that was not told', trained: 0, contexts: [1] },
    { name: 'only the configured one', config: { contextSize: 65_536 }, trained: 4096, contexts: [65_536] },
    { name: 'none if it is left to llama-server', config: { contextSize: 0 }, trained: 4096, contexts: [0] },
    { name: 'none if -c is among the arguments', config: { args: ['-c', '9'] }, trained: 4096, contexts: [undefined] },
    { name: 'none if --ctx-size= is', config: { args: ['--ctx-size=9'] }, trained: 4096, contexts: [undefined] },
    {
      name: 'all if only a like-named argument is',
      config: { args: ['--ctx-size-draft', '9'] },
      trained: 4096,
      contexts: [4096],
    },
  ])('$name', ({ config = {}, trained, contexts }) => {
    expect(automaticContexts(fileModelConfig('a', config), trained)).toEqual(contexts);
  });
});

describe('modelNeed', () => {
  const perDevice = [on('CUDA0', 4000, 800, 200), on('RAM', 300, 0, 20)];
  const onProcessor = [on('RAM', 4300, 800, 150)];

  it('adds what drivers and programs take', () => {
    const need = modelNeed({
      model: fileModelConfig('a'),
      source: 'estimate',
      perDevice,
      onProcessor,
      contextSize: 8192,
    });
    expect(need).toEqual({
      source: 'estimate',
      offloadedBytes: (5000 + 400) * MIB,
      perDeviceBytes: 400 * MIB,
      hostBytes: (320 + 64) * MIB,
      cpuBytes: (5250 + 64) * MIB,
      offload: 'auto',
      contextSize: 8192,
      devices: [],
    });
  });

  it('takes for a further accelerator what two need more than one', () => {
    const spread = {
      one: [on('CUDA0', 4000, 800, 200)],
      two: [on('CUDA0', 2000, 400, 200), on('CUDA1', 2000, 400, 250)],
    };
    const need = modelNeed({ model: fileModelConfig('a'), source: 'forecast', perDevice, onProcessor, spread });
    expect(need.perDeviceBytes).toBe((400 + 250) * MIB);
  });

  it('counts one driver an accelerator where it was measured on several', () => {
    const split = [on('CUDA0', 2000), on('CUDA1', 2000), on('CUDA2', 0)];
    expect(
      modelNeed({ model: fileModelConfig('a'), source: 'measured', perDevice: split, onProcessor }).offloadedBytes,
    ).toBe((4000 + 800) * MIB);
  });

  it.each([
    { name: 'automatic layers', model: fileModelConfig('a'), offload: 'auto' },
    { name: 'all layers', model: fileModelConfig('a', { gpuLayers: 'all' }), offload: 'all' },
    { name: 'no layers', model: fileModelConfig('a', { gpuLayers: 0 }), offload: 'none' },
    { name: 'some layers', model: fileModelConfig('a', { gpuLayers: 12 }), offload: 'auto' },
    { name: 'a command that was seen on a GPU', model: commandModelConfig('a'), offload: 'auto' },
  ])('says how far it goes to accelerators: $name', ({ model, offload }) => {
    expect(modelNeed({ model, source: 'measured', perDevice, onProcessor }).offload).toBe(offload);
  });

  it('has a command that was seen in system memory only stay there', () => {
    const need = modelNeed({
      model: commandModelConfig('a'),
      source: 'measured',
      perDevice: [on('RAM', 100)],
      onProcessor,
    });
    expect(need).toMatchObject({ offload: 'none', offloadedBytes: 0 });
  });

  it('adds nothing to what nobody knows', () => {
    const need = modelNeed({ model: commandModelConfig('a'), source: 'unknown', perDevice: [], onProcessor: [] });
    expect(need).toMatchObject({ offloadedBytes: 0, hostBytes: 0, cpuBytes: 0 });
  });
});
