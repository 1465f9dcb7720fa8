import { describe, expect, it } from 'vitest';
import { parseListedDevices } from '../../../electron/engine/memory/listed-devices.ts';
import { fixture, MIB } from './support/fixtures.ts';

const listed = (name: string): ReturnType<typeof parseListedDevices> =>
  parseListedDevices(fixture(`list-devices/${name}.txt`));

describe('parseListedDevices', () => {
  it('reads what a build says without a GPU', () => {
    expect(listed('build-11669-none')).toEqual([]);
    expect(parseListedDevices('Available devices:\n')).toEqual([]);
  });

  it('reads the line of a build that has a device, and leaves out software that plays one', () => {
    const text = fixture('list-devices/build-11669-vulkan.txt');
    expect(text).toContain('Vulkan0: llvmpipe');
    expect(parseListedDevices(text)).toEqual([]);
    expect(parseListedDevices(text.replace('llvmpipe (LLVM', 'AMD Radeon RX 7900 XTX (RADV'))).toEqual([
      {
        id: 'Vulkan0',
        kind: 'gpu',
        vendor: 'amd',
        name: 'AMD Radeon RX 7900 XTX (RADV 22.1.8, 256 bits)',
        uuid: undefined,
        pciAddress: undefined,
        totalBytes: 24105 * MIB,
        freeBytes: 22809 * MIB,
        usedByPid: undefined,
      },
    ]);
  });

  it('does not take what backends print for devices', () => {
    expect(listed('build-11669-cuda-two')).toMatchObject([
      { id: 'CUDA0', vendor: 'nvidia', kind: 'gpu', totalBytes: 24112 * MIB, freeBytes: 23854 * MIB },
      { id: 'CUDA1', vendor: 'nvidia', kind: 'gpu', totalBytes: 7654 * MIB, freeBytes: 6890 * MIB },
    ]);
    expect(listed('rocm')).toMatchObject([{ id: 'ROCm0', vendor: 'amd', name: 'AMD Radeon RX 7900 XTX' }]);
  });

  it('tells vendors apart by backend and name, graphics of processors from cards, and leaves out BLAS', () => {
    expect(listed('cuda-and-vulkan').map(({ id, vendor, kind }) => [id, vendor, kind])).toEqual([
      ['CUDA0', 'nvidia', 'gpu'],
      ['Vulkan0', 'nvidia', 'gpu'],
      ['Vulkan1', 'intel', 'unified'],
      ['RPC0', 'other', 'gpu'],
    ]);
    expect(listed('metal')).toMatchObject([{ id: 'Metal', vendor: 'apple', kind: 'unified' }]);
  });

  it.each([
    ['MTL0', 'Apple M3 Max', 'apple', 'unified'],
    ['MTL0', 'AMD Radeon Pro 5500M', 'amd', 'gpu'],
    ['SYCL0', 'Some new device', 'intel', 'gpu'],
    ['Vulkan0', 'Intel(R) Arc(TM) A770 Graphics (DG2)', 'intel', 'gpu'],
    ['Vulkan0', 'Intel(R) Arc(TM) 140V Graphics (LNL)', 'intel', 'unified'],
    ['Vulkan0', 'Intel(R) Iris(R) Xe Graphics (TGL GT2)', 'intel', 'unified'],
    ['Vulkan0', 'AMD Radeon(TM) Graphics', 'amd', 'unified'],
    ['Vulkan0', 'AMD Radeon 780M Graphics (RADV PHOENIX)', 'amd', 'unified'],
    ['ROCm0', 'AMD Radeon 8060S', 'amd', 'unified'],
    ['ROCm0', 'AMD Radeon RX 7900 XTX', 'amd', 'gpu'],
    ['CUDA0', 'NVIDIA GB10', 'nvidia', 'unified'],
    ['CUDA0', 'Tesla V100-SXM2-16GB', 'nvidia', 'gpu'],
  ])('takes %s: %s for one of %s, %s', (id, name, vendor, kind) => {
    expect(parseListedDevices(`Available devices:\n  ${id}: ${name} (16384 MiB, 99999 MiB free)\n`)).toMatchObject([
      { id, name, vendor, kind, totalBytes: 16384 * MIB, freeBytes: 16384 * MIB },
    ]);
  });

  it.each([
    ['usage: ls', /printed no list of devices: usage: ls/],
    ['', /printed no list of devices\.$/],
    ['Available devices:\n  CUDA0: NVIDIA GeForce RTX 3090 (24112 MiB, 238', /not understood/],
  ])('refuses %j', (text, message) => {
    expect(() => parseListedDevices(text)).toThrow(message);
  });
});
