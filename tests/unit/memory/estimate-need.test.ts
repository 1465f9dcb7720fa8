import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LayerMetadata } from '../../../electron/engine/catalog/gguf-model-metadata.ts';
import { estimateNeed, type DeviceNeed, type NeedEstimate } from '../../../electron/engine/memory/estimate-need.ts';
import { layer, mib, model, needOptions } from './support/metadata.ts';

const gpu = [{ name: 'CUDA0', share: 1 }];
const twoGpus = [...gpu, { name: 'CUDA1', share: 1 }];

function on(estimate: NeedEstimate, device: string): DeviceNeed {
  const need = estimate.perDevice.find((each) => each.device === device);
  if (need === undefined) throw new Error(`Nothing is said of ${device}.`);
  return need;
}

describe('weights', () => {
  it('are all in the RAM without a GPU, mapped from the file', () => {
    const estimate = estimateNeed(model(), undefined, needOptions());
    expect(estimate.perDevice.map(({ device }) => device)).toEqual(['RAM']);
    expect(on(estimate, 'RAM').weightsBytes).toBe(1024 * mib);
    expect(estimate.mappedBytes).toBe(1024 * mib);
    expect(estimate.weightsBytesByLayer).toEqual([100, 100, 100, 100].map((size) => size * mib));
    expect(estimateNeed(model(), undefined, needOptions({ isMemoryMapped: false })).mappedBytes).toBe(0);
  });

  it('leave the token embeddings in the RAM when all is offloaded', () => {
    const estimate = estimateNeed(model(), undefined, needOptions({ gpus: gpu }));
    expect(on(estimate, 'RAM').weightsBytes).toBe(300 * mib);
    expect(on(estimate, 'CUDA0').weightsBytes).toBe(724 * mib);
  });

  it('of embeddings that are the output too are there once in the RAM, and again on the GPU', () => {
    const tied = model({ tiedOutputBytes: 300 * mib, outputBytes: 1 * mib });
    expect(on(estimateNeed(tied, undefined, needOptions()), 'RAM').weightsBytes).toBe(701 * mib);
    const offloaded = estimateNeed(tied, undefined, needOptions({ gpus: gpu }));
    expect([on(offloaded, 'RAM').weightsBytes, on(offloaded, 'CUDA0').weightsBytes]).toEqual([300 * mib, 701 * mib]);
  });

  it('of experts stay in the RAM for as many layers as asked', () => {
    const experts = { ...layer, expertBytes: 80 * mib, expertsUsed: 2 };
    const mixture = model({ layers: [experts, experts, experts, experts] });
    const estimate = estimateNeed(mixture, undefined, needOptions({ gpus: gpu, cpuExpertLayers: 3 }));
    expect(on(estimate, 'RAM').weightsBytes).toBe((300 + 3 * 80) * mib);
    expect(on(estimate, 'CUDA0').weightsBytes).toBe((724 - 3 * 80) * mib);
  });

  it('of layers for multi-token prediction count among the layers to offload, but are not loaded', () => {
    const estimate = estimateNeed(model({ predictionLayers: 1 }), undefined, needOptions({ gpus: gpu, gpuLayers: 2 }));
    expect(on(estimate, 'CUDA0').weightsBytes).toBe(324 * mib);
  });
});

describe('the cache', () => {
  /** Bytes of a token and layer: keys and values of 2 heads of 64, F16. */
  const tokenBytes = 2 * 2 * 64 * 2;
  const kvBytes = (more: Parameters<typeof model>[0], options: Parameters<typeof needOptions>[0] = {}): number =>
    estimateNeed(model(more), undefined, needOptions(options)).perDevice.reduce((sum, need) => sum + need.kvBytes, 0);

  it.each<[string, number, number]>([
    ['full attention', kvBytes({}), 4 * 4096 * tokenBytes],
    ['a given context', kvBytes({}, { contextSize: 8192 }), 4 * 8192 * tokenBytes],
    ['slots of their own', kvBytes({}, { slots: 2 }), 2 * 4 * 4096 * tokenBytes],
    ['Q8_0', kvBytes({}, { keyCacheType: 'q8_0', valueCacheType: 'q8_0' }), (4 * 4096 * tokenBytes * 34) / 64],
    ['keys alone in Q4_0', kvBytes({}, { keyCacheType: 'q4_0' }), 4 * 4096 * (128 * 2 + (128 * 18) / 32)],
    ['latent attention', kvBytes({ hasLatentAttention: true }), 4 * 4096 * 128 * 2],
    ['embedding models', kvBytes({ layers: [{ ...layer, cache: 'none' }] }), 0],
    [
      'windows',
      kvBytes({ windowTokens: 256, layers: [{ ...layer, cache: 'window' }, layer] }),
      (4 * 256 + 512 + 4096) * tokenBytes,
    ],
    [
      'recurrent state, for each slot',
      kvBytes({ layers: [{ ...layer, cache: 'recurrent' }, layer], recurrentElements: 1000 }),
      4 * 1000 * 4 + 4096 * tokenBytes,
    ],
    [
      'both',
      kvBytes({ layers: [{ ...layer, cache: 'full-and-recurrent' }], recurrentElements: 1000 }),
      4 * 1000 * 4 + 4096 * tokenBytes,
    ],
    [
      'values padded to the widest layer without flash attention',
      kvBytes({ layers: [layer, { ...layer, kvHeads: 4 }] }, { flashAttention: 'off' }),
      4096 * (128 + 256 + 256 + 256) * 2,
    ],
    ["a sparse attention's indexer", kvBytes({ indexerKeyLength: 128, hasLatentAttention: true }), 4 * 4096 * 256 * 2],
  ])('of %s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('lies where its layers lie', () => {
    const estimate = estimateNeed(model(), undefined, needOptions({ gpus: gpu, gpuLayers: 2 }));
    expect(on(estimate, 'CUDA0').kvBytes * 3).toBe(on(estimate, 'RAM').kvBytes);
  });
});

describe('the calculation', () => {
  const compute = (more: Parameters<typeof model>[0], options: Parameters<typeof needOptions>[0] = {}): number =>
    on(estimateNeed(model(more), undefined, needOptions(options)), 'RAM').computeBytes / mib;

  // Reported by build 11669 for a model of 512 x 1536, 8 heads of 64, 8192 tokens ("CPU compute buffer size" plus
  // "CPU output buffer size").
  it('is what the server reports', () => {
    const heads = { ...layer, kvHeads: 8 };
    const shape = { layers: [heads, heads], vocabularySize: 8192 };
    expect(compute({ ...shape, trainedContextSize: 2048 })).toBeCloseTo(16.02 + 0.12, 0);
    expect(
      compute({ ...shape, trainedContextSize: 2048, layers: [{ ...heads, feedForwardLength: 4096 }] }),
    ).toBeCloseTo(31.02 + 0.12, 0);
    expect(compute(shape, { microBatchSize: 1024 })).toBeCloseTo(36.04 + 0.12, 0);
    expect(compute(shape, { flashAttention: 'off' })).toBeCloseTo(80.01 + 0.12, -1);
  });

  it('of embeddings has logits for every token unless they are pooled', () => {
    const difference = compute({}, { hasEmbeddings: true }) - compute({}, { hasEmbeddings: true, isPooled: true });
    expect(difference).toBeGreaterThan(0);
    expect(compute({ vocabularySize: 128_000 }, { hasEmbeddings: true })).toBeGreaterThan((128_000 * 512 * 4) / mib);
  });

  it('on a GPU takes room for a tensor of each layer that stayed in the RAM', () => {
    const partly = estimateNeed(model(), undefined, needOptions({ gpus: gpu, gpuLayers: 3 }));
    const wholly = estimateNeed(model(), undefined, needOptions({ gpus: gpu }));
    expect(on(partly, 'CUDA0').computeBytes - on(wholly, 'CUDA0').computeBytes).toBe(30 * mib);
    const remote = (gpuLayers: number): number =>
      on(estimateNeed(model(), undefined, needOptions({ gpus: [{ name: 'RPC0', share: 1 }], gpuLayers })), 'RPC0')
        .computeBytes;
    expect(remote(3)).toBe(remote(5));
  });

  it('in the RAM has room for the experts that stay there', () => {
    const experts = { ...layer, expertBytes: 80 * mib, expertsUsed: 8 };
    const mixture = model({ layers: [experts, experts, experts, experts] });
    const ram = (cpuExpertLayers: number): number =>
      on(estimateNeed(mixture, undefined, needOptions({ gpus: gpu, cpuExpertLayers })), 'RAM').computeBytes;
    expect(ram(1) - ram(0)).toBeGreaterThan(3 * 8 * 1536 * 512 * 4 - 16 * mib);
  });

  it('on several GPUs keeps inputs four times', () => {
    const one = estimateNeed(model(), undefined, needOptions({ gpus: gpu }));
    const two = estimateNeed(model(), undefined, needOptions({ gpus: twoGpus }));
    expect(on(two, 'CUDA0').computeBytes).toBeGreaterThan(on(one, 'CUDA0').computeBytes);
    expect(on(two, 'RAM').computeBytes).toBeGreaterThan(on(one, 'RAM').computeBytes);
  });

  it('of a projector goes to the first GPU', () => {
    const projector = model({
      kind: 'projector',
      layers: [],
      inputBytes: 50 * mib,
      outputBytes: 0,
      projector: {
        takesImages: true,
        takesAudio: false,
        imageSize: 896,
        patchSize: 14,
        embeddingLength: 1152,
        feedForwardLength: 4304,
        heads: 16,
      },
    });
    const without = estimateNeed(model(), undefined, needOptions({ gpus: gpu }));
    const withIt = estimateNeed(model(), projector, needOptions({ gpus: gpu }));
    expect(on(withIt, 'RAM')).toEqual(on(without, 'RAM'));
    expect(on(withIt, 'CUDA0').weightsBytes - on(without, 'CUDA0').weightsBytes).toBe(50 * mib);
    // Reported by build 11669 for this shape: 121 MiB.
    const computed = on(withIt, 'CUDA0').computeBytes - on(without, 'CUDA0').computeBytes;
    expect(computed / mib).toBeCloseTo(121, 0);
  });
});

describe('whatever the model and the options', () => {
  const caches = fc.constantFrom<LayerMetadata['cache']>('full', 'window', 'recurrent', 'full-and-recurrent', 'none');
  const models = fc
    .record({
      layers: fc.array(
        fc.record({
          cache: caches,
          weightBytes: fc.nat(1e9),
          expertBytes: fc.constant(0),
          largestTensorBytes: fc.nat(1e8),
          heads: fc.nat(64),
          kvHeads: fc.nat(64),
          keyLength: fc.nat(512),
          valueLength: fc.nat(512),
          feedForwardLength: fc.nat(30_000),
          expertsUsed: fc.nat(8),
          isGated: fc.boolean(),
        }),
        { maxLength: 12 },
      ),
      trainedContextSize: fc.nat(200_000),
      windowTokens: fc.nat(8192),
      embeddingLength: fc.nat(8192),
      vocabularySize: fc.nat(300_000),
      recurrentElements: fc.nat(1e6),
      predictionLayers: fc.nat(2),
      hasLatentAttention: fc.boolean(),
      isCausal: fc.boolean(),
    })
    .map(model);
  const options = fc
    .record({
      contextSize: fc.option(fc.nat(300_000), { nil: undefined }),
      slots: fc.option(fc.integer({ min: 1, max: 16 }), { nil: undefined }),
      keyCacheType: fc.constantFrom(undefined, 'q8_0', 'f32', 'unheard_of'),
      gpuLayers: fc.oneof(fc.constant('all' as const), fc.nat(16)),
      flashAttention: fc.constantFrom('on' as const, 'off' as const),
      gpus: fc.constantFrom([], gpu, twoGpus),
      hasEmbeddings: fc.boolean(),
      cpuExpertLayers: fc.nat(4),
    })
    .map(needOptions);

  it('no part is negative or not a number, and the total is their sum', () => {
    fc.assert(
      fc.property(models, options, (metadata, chosen) => {
        const estimate = estimateNeed(metadata, undefined, chosen);
        const parts = estimate.perDevice.flatMap((need) => [need.weightsBytes, need.kvBytes, need.computeBytes]);
        expect(parts.every((bytes) => Number.isFinite(bytes) && bytes >= 0)).toBe(true);
        expect(estimate.totalBytes).toBe(parts.reduce((sum, bytes) => sum + bytes, 0));
      }),
    );
  });

  it('more context, slots, layers and a larger micro-batch never take less', () => {
    fc.assert(
      fc.property(models, options, (metadata, chosen) => {
        const base = { ...chosen, contextSize: 4096, slots: 2 };
        const total = (changes: Partial<typeof base>, more: Partial<typeof metadata> = {}): number =>
          estimateNeed({ ...metadata, ...more }, undefined, { ...base, ...changes }).totalBytes;
        expect(total({ contextSize: 65_536 })).toBeGreaterThanOrEqual(total({}));
        expect(total({ contextSize: 8192, slots: 4 })).toBeGreaterThanOrEqual(total({}));
        expect(total({ microBatchSize: 2048 })).toBeGreaterThanOrEqual(total({}));
        expect(total({ gpus: [] }, { layers: [...metadata.layers, layer] })).toBeGreaterThanOrEqual(
          total({ gpus: [] }),
        );
      }),
    );
  });

  it('the weights are the same wherever they lie, but for a copy of tied embeddings', () => {
    fc.assert(
      fc.property(models, options, (metadata, chosen) => {
        const weights = estimateNeed(metadata, undefined, chosen).perDevice.reduce(
          (sum, need) => sum + need.weightsBytes,
          0,
        );
        const layers = metadata.layers.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
        expect(weights).toBe(metadata.inputBytes + metadata.outputBytes + layers);
      }),
    );
  });
});
