import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GgufValue } from '../../electron/engine/catalog/gguf-writer.ts';
import { readModelFile } from '../../electron/engine/catalog/gguf-model-file.ts';
import { estimateNeed, type DeviceNeed, type NeedOptions } from '../../electron/engine/memory/estimate-need.ts';
import { createPortFinder } from '../../electron/engine/supervisor/free-port.ts';
import { anonymousBytes } from './support/anonymous-memory-linux.ts';
import { measureServer } from './support/measured-server.ts';
import {
  deltaNetSizes,
  latentSizes,
  writeModelShape,
  writeProjectorShape,
  type ModelShape,
  type ProjectorShape,
} from './support/model-shapes.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';
import { needOptions } from '../unit/memory/support/metadata.ts';

const mib = 1024 * 1024;
const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });

const dense: ModelShape = {
  architecture: 'llama',
  layers: 8,
  embedding: 1024,
  heads: 16,
  kvHeads: 16,
  headSize: 64,
  feedForward: 2816,
  vocabulary: 8192,
  contextLength: 32_768,
};

interface Case {
  readonly name: string;
  readonly shape: ModelShape;
  readonly options?: Partial<NeedOptions>;
  readonly args?: readonly string[];
  readonly projector?: ProjectorShape;
}

const hybridKvHeads = Array.from({ length: 8 }, (_, layer) => (layer % 4 === 3 ? 4 : 0));

const cases: readonly Case[] = [
  { name: 'multi-head, 32k', shape: dense },
  { name: 'grouped queries, 64k', shape: { ...dense, kvHeads: 4, headSize: 128, contextLength: 65_536 } },
  {
    name: 'Mixtral-like experts',
    shape: { ...dense, layers: 4, kvHeads: 4, experts: { count: 8, used: 2, feedForward: 2816 } },
  },
  {
    name: 'many small experts',
    shape: {
      ...dense,
      architecture: 'qwen3moe',
      layers: 4,
      kvHeads: 4,
      experts: { count: 64, used: 8, feedForward: 384 },
    },
  },
  {
    name: 'gpt-oss-like',
    shape: {
      ...dense,
      architecture: 'gpt-oss',
      kvHeads: 4,
      contextLength: 131_072,
      slidingWindow: 128,
      experts: { count: 8, used: 4, feedForward: 1024 },
    },
  },
  {
    name: 'Gemma 3 windows, 128k',
    shape: {
      ...dense,
      architecture: 'gemma3',
      layers: 12,
      kvHeads: 8,
      contextLength: 131_072,
      isOutputTied: true,
      slidingWindow: 512,
    },
  },
  {
    name: 'Gemma 2 windows, 2 slots',
    shape: { ...dense, architecture: 'gemma2', isOutputTied: true, slidingWindow: 1024 },
    options: { slots: 2, contextSize: 16_384 },
    args: ['--parallel', '2', '--ctx-size', '16384'],
  },
  {
    name: 'whole windows (--swa-full)',
    shape: { ...dense, architecture: 'gemma2', isOutputTied: true, slidingWindow: 1024, contextLength: 8192 },
    options: { isWindowFull: true },
    args: ['--swa-full'],
  },
  {
    name: 'wide, Q8_0',
    shape: {
      ...dense,
      layers: 2,
      embedding: 4096,
      heads: 32,
      kvHeads: 8,
      headSize: 128,
      feedForward: 14_336,
      weightType: 'q8_0',
    },
    options: { contextSize: 8192 },
    args: ['--ctx-size', '8192'],
  },
  {
    name: 'many layers, 16k',
    shape: { ...dense, layers: 64, embedding: 512, heads: 8, kvHeads: 4, feedForward: 1024, contextLength: 16_384 },
  },
  {
    name: 'Q4_K, quantised cache',
    shape: { ...dense, weightType: 'q4_k' },
    options: { keyCacheType: 'q8_0', valueCacheType: 'q8_0', microBatchSize: 1024 },
    args: ['--cache-type-k', 'q8_0', '--cache-type-v', 'q8_0', '--flash-attn', 'on', '--ubatch-size', '1024'],
  },
  {
    name: 'no flash attention',
    shape: { ...dense, contextLength: 16_384 },
    options: { flashAttention: 'off' },
    args: ['--flash-attn', 'off'],
  },
  {
    name: 'tied, large vocabulary',
    shape: { ...dense, architecture: 'qwen3', kvHeads: 8, vocabulary: 96_000, isOutputTied: true },
  },
  {
    name: 'embeddings of such a model',
    shape: { ...dense, architecture: 'qwen3', kvHeads: 8, vocabulary: 96_000, isOutputTied: true },
    options: { hasEmbeddings: true, contextSize: 4096 },
    args: ['--embeddings', '--ctx-size', '4096'],
  },
  {
    name: 'BERT',
    shape: { ...dense, architecture: 'bert', layers: 12, contextLength: 512, vocabulary: 30_522 },
    args: ['--embeddings'],
  },
  {
    name: 'Mamba',
    shape: {
      ...dense,
      architecture: 'mamba',
      layers: 24,
      heads: 0,
      kvHeads: 0,
      headSize: 0,
      feedForward: 0,
      isOutputTied: true,
      extra: {
        'ssm.conv_kernel': uint32(4),
        'ssm.inner_size': uint32(2048),
        'ssm.state_size': uint32(16),
        'ssm.time_step_rank': uint32(64),
      },
    },
  },
  {
    name: 'latent attention, 64k',
    shape: {
      ...dense,
      architecture: 'deepseek2',
      kvHeads: 1,
      headSize: latentSizes.rank + latentSizes.rotated,
      contextLength: 65_536,
      extra: {
        'attention.value_length': uint32(latentSizes.rank),
        'attention.key_length_mla': uint32(latentSizes.unrotated + latentSizes.rotated),
        'attention.value_length_mla': uint32(latentSizes.value),
        'attention.kv_lora_rank': uint32(latentSizes.rank),
        'attention.q_lora_rank': uint32(latentSizes.queryRank),
        'rope.dimension_count': uint32(latentSizes.rotated),
        leading_dense_block_count: uint32(8),
        expert_shared_count: uint32(0),
        expert_feed_forward_length: uint32(1408),
      },
    },
  },
  {
    name: 'attention and delta nets',
    shape: {
      ...dense,
      architecture: 'qwen35',
      heads: 8,
      kvHeads: hybridKvHeads,
      headSize: 256,
      extra: {
        'attention.head_count_kv': uint32(4),
        'ssm.conv_kernel': uint32(deltaNetSizes.kernel),
        'ssm.inner_size': uint32(deltaNetSizes.valueHeads * deltaNetSizes.headSize),
        'ssm.state_size': uint32(deltaNetSizes.headSize),
        'ssm.time_step_rank': uint32(deltaNetSizes.valueHeads),
        'ssm.group_count': uint32(deltaNetSizes.keyHeads),
        full_attention_interval: uint32(4),
        'rope.dimension_sections': { type: 'int32-array', value: [11, 11, 10, 0] },
        'rope.dimension_count': uint32(64),
      },
    },
  },
  {
    name: 'with a projector',
    shape: {
      ...dense,
      architecture: 'gemma3',
      kvHeads: 4,
      contextLength: 8192,
      isOutputTied: true,
      slidingWindow: 512,
    },
    projector: {
      layers: 12,
      embedding: 768,
      heads: 12,
      feedForward: 3072,
      imageSize: 448,
      patchSize: 14,
      modelEmbedding: 1024,
    },
  },
];

const findFreePort = createPortFinder();
const table: string[] = [];
let executable: string;
let folder: string;

beforeAll(async () => {
  executable = await ensureRealLlamaServer();
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-need-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
afterAll(() => {
  console.log(
    [
      'MiB: estimated / forecast by llama-server / allocated by it (weights + cache + compute), own pages in RAM',
      ...table,
    ].join('\n'),
  );
});

describe('the estimate, the forecast of a real llama-server and what it allocates', () => {
  it.each(cases)('agree for $name', async ({ name, shape, options, args = [], projector }) => {
    const file = path.join(folder, 'model.gguf');
    const projectorFile = path.join(folder, 'mmproj.gguf');
    await writeModelShape(file, shape);
    if (projector !== undefined) await writeProjectorShape(projectorFile, projector);
    const estimated = estimateNeed(
      readModelFile(file),
      projector === undefined ? undefined : readModelFile(projectorFile),
      needOptions(options),
    );
    const { forecast, measured, isShrunk, observed } = await measureServer({
      executable,
      args: [
        ...['--model', file, '--host', '127.0.0.1', '--port', String(await findFreePort()), '--log-verbosity', '4'],
        // The warm-up changes nothing of the model's buffers and takes seconds; a projector tells of its own only then.
        ...(projector === undefined ? ['--no-warmup'] : ['--mmproj', projectorFile]),
        ...args,
      ],
      timeoutMs: 30_000,
      whenReady: process.platform === 'linux' ? anonymousBytes : () => Promise.resolve(0),
    });
    const resident = process.platform === 'linux' ? inMib(observed) : 'not on this system';
    table.push(`${name.padEnd(28)} ${row(estimated.perDevice)} / ${row(forecast)} / ${row(measured)}, ${resident}`);

    expect(isShrunk).toBe(false);
    expect(measured.map(({ device }) => device)).toEqual(['RAM']);
    for (const actual of [totalOf(forecast), totalOf(measured)]) {
      expect(Math.abs(estimated.totalBytes - actual)).toBeLessThanOrEqual(Math.max(actual * 0.1, 32 * mib));
    }
    // The cache is arithmetic, and the weights are in the file.
    expect(sumOf(estimated.perDevice, 'kvBytes') / mib).toBeCloseTo(sumOf(measured, 'kvBytes') / mib, 1);
    expect(sumOf(estimated.perDevice, 'weightsBytes') / sumOf(measured, 'weightsBytes')).toBeCloseTo(1, 1);
    if (process.platform === 'linux') {
      // The cache is cleared at the start, so it is all in RAM; mapped weights are pages of the file.
      expect(observed).toBeGreaterThan(sumOf(measured, 'kvBytes'));
      expect(observed).toBeLessThan(estimated.totalBytes + 128 * mib);
    }
  });

  it('have at least four models among them that need more than 500 MiB', () => {
    expect(table.filter((line) => Number(/(\d+) = /.exec(line)?.[1]) > 500).length).toBeGreaterThanOrEqual(4);
  });
});

function sumOf(needs: readonly DeviceNeed[], part: 'weightsBytes' | 'kvBytes' | 'computeBytes'): number {
  return needs.reduce((sum, need) => sum + need[part], 0);
}

function totalOf(needs: readonly DeviceNeed[]): number {
  return sumOf(needs, 'weightsBytes') + sumOf(needs, 'kvBytes') + sumOf(needs, 'computeBytes');
}

function row(needs: readonly DeviceNeed[]): string {
  const parts = (['weightsBytes', 'kvBytes', 'computeBytes'] as const).map((part) => inMib(sumOf(needs, part)));
  return `${inMib(totalOf(needs))} = ${parts.join(' + ')}`.padEnd(24);
}

function inMib(sizeBytes: number): string {
  return (sizeBytes / mib).toFixed(0);
}
