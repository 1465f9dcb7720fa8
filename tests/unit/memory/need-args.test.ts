import { describe, expect, it } from 'vitest';
import { readNeedArgs } from '../../../electron/engine/memory/need-args.ts';

describe('readNeedArgs', () => {
  it.each([
    { args: [], found: {} },
    { args: ['--ctx-size', '8192', '--parallel=4'], found: { contextSize: 8192, slots: 4 } },
    {
      args: ['-c', '8192', '-np', '2', '-b', '512', '-ub', '256'],
      found: { contextSize: 8192, slots: 2, batchSize: 512, microBatchSize: 256 },
    },
    { args: ['-c', '1024', '--ctx-size=2048'], found: { contextSize: 2048 } },
    { args: ['--ctx-size=2048', '-c', '1024'], found: { contextSize: 1024 } },
    { args: ['-c'], found: {} },
    { args: ['-c', 'many'], found: {} },
    { args: ['-c', '-1'], found: {} },
    { args: ['-ctk', 'q8_0', '--cache-type-v=q4_0'], found: { keyCacheType: 'q8_0', valueCacheType: 'q4_0' } },
    { args: ['-ngl', '12'], found: { gpuLayers: 12 } },
    { args: ['--n-gpu-layers', 'all'], found: {} },
    { args: ['--cpu', '-ngl', '12'], found: { gpuLayers: 0 } },
    { args: ['-fa', 'on'], found: { flashAttention: 'on' } },
    { args: ['--flash-attn=off'], found: { flashAttention: 'off' } },
    { args: ['-fa', 'auto'], found: {} },
    { args: ['-kvu'], found: { isKvUnified: true } },
    { args: ['--no-kv-unified'], found: { isKvUnified: false } },
    { args: ['--swa-full'], found: { isWindowFull: true } },
    { args: ['--cpu-moe'], found: { cpuExpertLayers: Number.MAX_SAFE_INTEGER } },
    { args: ['-ncmoe', '8'], found: { cpuExpertLayers: 8 } },
    { args: ['--embedding'], found: { hasEmbeddings: true } },
    { args: ['--reranking'], found: { hasEmbeddings: true } },
    { args: ['--temp', '0.8', '--jinja'], found: {} },
  ])('$args', ({ args, found }) => {
    expect(readNeedArgs(args)).toEqual(found);
  });
});
