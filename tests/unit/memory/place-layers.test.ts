import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeLayers } from '../../../electron/engine/memory/place-layers.ts';

const gpus = (...shares: number[]): { name: string; share: number }[] =>
  shares.map((share, index) => ({ name: `CUDA${index}`, share }));

describe('placeLayers', () => {
  it.each<[string, Parameters<typeof placeLayers>, string, string]>([
    ['no GPU', [4, 'all', []], 'RRRR', 'R'],
    ['all on one', [4, 'all', gpus(1)], '0000', '0'],
    ['none', [4, 0, gpus(1)], 'RRRR', 'R'],
    ['the output first', [4, 1, gpus(1)], 'RRRR', '0'],
    ['then the last layers', [4, 3, gpus(1)], 'RR00', '0'],
    ['more than there are', [4, 999, gpus(1)], '0000', '0'],
    ['halves', [7, 'all', gpus(1, 1)], '0000111', '1'],
    ['by free memory', [7, 'all', gpus(24, 8)], '0000001', '1'],
    ['an empty GPU gets nothing', [3, 'all', gpus(0, 5)], '111', '1'],
    ['unknown shares are equal', [3, 'all', gpus(0, 0)], '001', '1'],
  ])('%s', (_, args, layers, output) => {
    const short = (device: string): string => device.replace('CUDA', '').replace('RAM', 'R');
    const placement = placeLayers(...args);
    expect(placement.layers.map(short).join('')).toBe(layers);
    expect(short(placement.output)).toBe(output);
  });

  it('keeps layers in order and offloads as many as asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.nat(120),
        fc.array(fc.nat(100), { minLength: 1, maxLength: 4 }),
        (layerCount, gpuLayers, shares) => {
          const { layers, output } = placeLayers(layerCount, gpuLayers, gpus(...shares));
          const order = [...layers, output].map((device) => (device === 'RAM' ? -1 : Number(device.slice(4))));
          expect(order).toEqual([...order].sort((one, other) => one - other));
          expect(order.filter((device) => device >= 0).length).toBe(Math.min(gpuLayers, layerCount + 1));
        },
      ),
    );
  });
});
