import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseLogLine } from '../../../electron/engine/llama/log-lines.ts';
import type { DeviceNeed } from '../../../electron/engine/memory/estimate-need.ts';
import { createNeedMeter, type NeedMeter } from '../../../electron/engine/memory/measure-need.ts';
import { mib } from './support/metadata.ts';

async function hear(name: string): Promise<NeedMeter> {
  const text = await readFile(new URL(`../../fixtures/llama-logs/${name}.txt`, import.meta.url), 'utf8');
  const meter = createNeedMeter();
  for (const line of text.split('\n')) {
    const fact = parseLogLine(line);
    if (fact !== undefined) meter.hear(fact);
  }
  return meter;
}

/** `[device, weights, cache, compute]` in MiB. */
function inMib(needs: readonly DeviceNeed[] | undefined): (string | number)[][] | undefined {
  return needs?.map((need) => [
    need.device,
    ...[need.weightsBytes, need.kvBytes, need.computeBytes].map((bytes) => Math.round((bytes / mib) * 100) / 100),
  ]);
}

describe('what llama-server says of its memory', () => {
  it('on the processor alone', async () => {
    const meter = await hear('ready-trace');
    expect(inMib(meter.forecast())).toEqual([['RAM', 1, 2, 5]]);
    expect(inMib(meter.measured())).toEqual([['RAM', 1.97, 2.25, 5.96]]);
    expect(meter.isShrunk()).toBe(false);
  });

  it('on two devices, which are the workers of two machines', async () => {
    const meter = await hear('memory-two-devices');
    expect(inMib(meter.forecast())).toEqual([
      ['RAM', 8, 0, 74],
      ['RPC0', 28, 40, 89],
      ['RPC1', 25, 24, 84],
    ]);
    expect(inMib(meter.measured())).toEqual([
      ['RAM', 8, 0, 74.19],
      ['RPC0', 28.77, 40, 89.05],
      ['RPC1', 25.26, 24, 80.04],
    ]);
    expect(meter.isShrunk()).toBe(false);
  });

  it('partly on a device', async () => {
    const meter = await hear('memory-partly-offloaded');
    expect(inMib(meter.forecast())).toEqual([
      ['RAM', 36, 20, 22],
      ['RPC0', 25, 12, 19],
    ]);
    expect(inMib(meter.measured())).toEqual([
      ['RAM', 36.77, 20, 22.14],
      ['RPC0', 25.26, 12, 19.01],
    ]);
  });

  it('with less context than was asked for', async () => {
    const meter = await hear('memory-fit-shrinks');
    expect(inMib(meter.forecast())).toEqual([
      ['RAM', 8, 0, 20],
      ['RPC0', 54, 64, 29],
    ]);
    expect(inMib(meter.measured())).toEqual([
      ['RAM', 8, 0, 10.64],
      ['RPC0', 54.03, 26, 19.51],
    ]);
    expect(meter.isShrunk()).toBe(true);
  });

  it('with a projector, whose sum it names once', async () => {
    const meter = await hear('memory-projector');
    expect(inMib(meter.forecast())).toEqual([['RAM', 59.82, 14, 32]]);
    expect(inMib(meter.measured())).toEqual([['RAM', 57.75, 14.25, 35.27]]);
  });

  it('nothing yet', () => {
    const meter = createNeedMeter();
    expect([meter.forecast(), meter.measured(), meter.isShrunk()]).toEqual([undefined, undefined, false]);
  });

  it('in the words of GPU builds', () => {
    const meter = createNeedMeter();
    for (const line of [
      'load_tensors:   CPU_Mapped model buffer size =   281.81 MiB',
      'load_tensors:        CUDA0 model buffer size =  4155.99 MiB',
      'load_tensors:   CPU_REPACK model buffer size =   100.00 MiB',
      'llama_context:  CUDA_Host  output buffer size =     0.49 MiB',
      'llama_kv_cache:      CUDA0 KV buffer size =   512.00 MiB',
      'llama_context:      CUDA0 compute buffer size =   258.50 MiB',
      'llama_context:  CUDA_Host compute buffer size =    12.01 MiB',
      'load_tensors:  MTL0_Mapped model buffer size =    50.00 MiB',
    ]) {
      meter.hear(parseLogLine(line)!);
    }
    expect(inMib(meter.measured())).toEqual([
      ['RAM', 381.81, 0, 12.5],
      ['CUDA0', 4155.99, 512, 258.5],
      ['MTL0', 50, 0, 0],
    ]);
  });

  it('counts a mapping once that reaches over what went to a GPU', () => {
    const meter = createNeedMeter();
    for (const line of [
      'common_memory_breakdown_print: |   - CUDA0 (RTX 4090) | 24080 = 18000 + (5432 = 4600 +     512 +     320) +         648 |',
      'common_memory_breakdown_print: |   - Host             |                    310 =   300 +       0 +      10                |',
      'load_tensors:   CPU_Mapped model buffer size =  4900.00 MiB',
      'load_tensors:        CUDA0 model buffer size =  4600.00 MiB',
    ]) {
      meter.hear(parseLogLine(line)!);
    }
    expect(inMib(meter.measured())?.[0]).toEqual(['RAM', 316, 0, 0]);
  });
});
