import type { LayerMetadata, ModelMetadata } from '../../../../electron/engine/catalog/gguf-model-metadata.ts';
import type { NeedOptions } from '../../../../electron/engine/memory/estimate-need.ts';

export const mib = 1024 * 1024;

export const layer: LayerMetadata = {
  cache: 'full',
  weightBytes: 100 * mib,
  expertBytes: 0,
  largestTensorBytes: 30 * mib,
  heads: 8,
  kvHeads: 2,
  keyLength: 64,
  valueLength: 64,
  feedForwardLength: 1536,
  expertsUsed: 0,
  isGated: true,
};

/** Four layers, 1 GiB of weights all told, 512 wide, a context of 4096 tokens. */
export function model(more: Partial<ModelMetadata> = {}): ModelMetadata {
  return {
    architecture: 'llama',
    name: 'test',
    kind: 'language',
    quantization: 'q4_k',
    fileBytes: 1024 * mib,
    partCount: 1,
    fingerprint: 'f',
    parameterCount: 1_000_000_000,
    trainedContextSize: 4096,
    embeddingLength: 512,
    vocabularySize: 8192,
    isCausal: true,
    hasLatentAttention: false,
    windowTokens: 0,
    layers: [layer, layer, layer, layer],
    predictionLayers: 0,
    recurrentElements: 0,
    recurrentWidth: 0,
    indexerKeyLength: 0,
    inputBytes: 300 * mib,
    outputBytes: 324 * mib,
    tiedOutputBytes: 0,
    projector: undefined,
    ...more,
  };
}

export function needOptions(more: Partial<NeedOptions> = {}): NeedOptions {
  return {
    contextSize: undefined,
    slots: undefined,
    isKvUnified: undefined,
    batchSize: undefined,
    microBatchSize: undefined,
    hasEmbeddings: false,
    isWindowFull: false,
    keyCacheType: undefined,
    valueCacheType: undefined,
    gpuLayers: 'auto',
    flashAttention: 'auto',
    isPooled: false,
    gpus: [],
    cpuExpertLayers: 0,
    isMemoryMapped: true,
    ...more,
  };
}
