import type { ModelMetadata } from '../catalog/gguf-model-metadata.ts';
import { cacheBytesByLayer } from './cache-bytes.ts';
import { computeBytes, type ComputeOptions } from './compute-bytes.ts';
import { planContext, type ContextOptions, type ContextPlan } from './context-plan.ts';
import { placeLayers, systemMemory, type GpuShare, type LayerPlacement } from './place-layers.ts';
import { projectorComputeBytes } from './projector-bytes.ts';

/**
 * How much memory a model takes in llama-server, from its file alone: the last resort before the first start, when
 * nothing was measured and the server has not forecast anything. Pure. docs/memory.md says how good it is.
 */

export interface NeedOptions extends ContextOptions {
  /** `--cache-type-k` and `--cache-type-v`; `f16` if undefined. */
  readonly keyCacheType: string | undefined;
  readonly valueCacheType: string | undefined;
  /** `auto` counts as `all`: what does not fit is moved by llama-server, or was moved by Corral before. */
  readonly gpuLayers: number | 'all' | 'auto';
  /** `auto` counts as `on`, which it is on every device that Corral's builds run on. */
  readonly flashAttention: 'on' | 'off' | 'auto';
  /** Whether embeddings are pooled, so that nothing is calculated over the vocabulary. */
  readonly isPooled: boolean;
  /** Those the model may use, in the order of `--device`. Empty without a GPU. */
  readonly gpus: readonly GpuShare[];
  /** The experts of that many layers, from the first on, stay in the RAM (`--n-cpu-moe`). */
  readonly cpuExpertLayers: number;
  /** `--load-mode` with mmap: weights in the RAM are then pages of the file, which the system may drop and read again. */
  readonly isMemoryMapped: boolean;
}

export interface DeviceNeed {
  /** `RAM`, or a GPU's name. */
  readonly device: string;
  readonly weightsBytes: number;
  /** KV cache and recurrent state. */
  readonly kvBytes: number;
  readonly computeBytes: number;
}

/** All that is needed of one device. */
export function needBytes({ weightsBytes, kvBytes, computeBytes }: Omit<DeviceNeed, 'device'>): number {
  return weightsBytes + kvBytes + computeBytes;
}

export interface NeedEstimate {
  /** Of each layer that is loaded, from the first on; without embeddings and output. */
  readonly weightsBytesByLayer: readonly number[];
  /** RAM first, then each GPU. */
  readonly perDevice: readonly DeviceNeed[];
  readonly totalBytes: number;
  /** The part of the RAM's weights that is mapped from the file. */
  readonly mappedBytes: number;
  /** Tokens over all slots, and the slots. */
  readonly contextSize: number;
  readonly slots: number;
}

/**
 * What the process allocates: weights, cache and compute buffers of the model and its projector. Not in it: the driver's
 * own context on a GPU (some hundred MiB for CUDA), the program itself, and the prompt cache in the RAM that grows while
 * it works (`--cache-ram`, up to 8 GiB by default).
 */
export function estimateNeed(
  model: ModelMetadata,
  projector: ModelMetadata | undefined,
  options: NeedOptions,
): NeedEstimate {
  const hasEmbeddings = options.hasEmbeddings || model.kind === 'embedding' || model.kind === 'rerank';
  const plan = planContext(model, { ...options, hasEmbeddings });
  const hasFlashAttention = options.flashAttention !== 'off';
  const isPooled = hasEmbeddings && (options.isPooled || model.kind !== 'language');
  const cacheBytes = cacheBytesByLayer(model, plan, {
    keyType: options.keyCacheType,
    valueType: options.valueCacheType,
    hasFlashAttention,
  });
  const placement = placeLayers(model.layers.length + model.predictionLayers, options.gpuLayers, options.gpus);
  const compute = { hasFlashAttention, hasLogits: !isPooled, isPipelined: isPipelined(placement, options) };
  const needs = new Map<string, { weightsBytes: number; kvBytes: number; computeBytes: number }>();
  for (const device of [systemMemory, ...options.gpus.map(({ name }) => name)]) {
    needs.set(device, { weightsBytes: 0, kvBytes: 0, computeBytes: 0 });
  }
  const add = (device: string, part: 'weightsBytes' | 'kvBytes' | 'computeBytes', bytes: number): void => {
    const need = needs.get(device);
    if (need !== undefined) need[part] += bytes;
  };

  add(systemMemory, 'weightsBytes', model.inputBytes);
  add(placement.output, 'weightsBytes', model.outputBytes);
  // An output that is tied to the embeddings is copied to the GPU, and is not there twice in the RAM.
  if (placement.output !== systemMemory) add(placement.output, 'weightsBytes', model.tiedOutputBytes);
  model.layers.forEach((layer, index) => {
    const device = placement.layers[index] ?? systemMemory;
    const expertsHere = index < options.cpuExpertLayers ? 0 : layer.expertBytes;
    add(device, 'weightsBytes', layer.weightBytes - layer.expertBytes + expertsHere);
    add(systemMemory, 'weightsBytes', layer.expertBytes - expertsHere);
    add(device, 'kvBytes', cacheBytes[index] ?? 0);
  });
  for (const device of needs.keys()) {
    add(device, 'computeBytes', computeOn(device, model, plan, compute, placement, options));
  }
  // The results that are handed to the client (`output_reserve` in src/llama-context.cpp).
  if (model.layers.length > 0) add(systemMemory, 'computeBytes', plan.slots * resultElements(model, hasEmbeddings) * 4);

  if (projector !== undefined) {
    // The projector goes to the first GPU, all of it (`mmproj_use_gpu` in common/common.h).
    const device = options.gpus[0]?.name ?? systemMemory;
    add(device, 'weightsBytes', projector.inputBytes);
    add(device, 'computeBytes', projectorComputeBytes(projector, hasFlashAttention));
  }
  const perDevice = [...needs].map(([device, need]): DeviceNeed => ({ device, ...need }));
  return {
    weightsBytesByLayer: model.layers.map((layer) => layer.weightBytes),
    perDevice,
    totalBytes: perDevice.reduce((sum, need) => sum + needBytes(need), 0),
    mappedBytes: options.isMemoryMapped ? (needs.get(systemMemory)?.weightsBytes ?? 0) : 0,
    contextSize: plan.contextSize,
    slots: plan.slots,
  };
}

function computeOn(
  device: string,
  model: ModelMetadata,
  plan: ContextPlan,
  compute: ComputeOptions,
  placement: LayerPlacement,
  options: NeedOptions,
): number {
  const layers = model.layers.filter((_, index) => placement.layers[index] === device);
  if (model.layers.length === 0) return 0;
  if (device === systemMemory) {
    if (layers.length > 0) return computeBytes(model, plan, compute, 'everything', layers);
    const withExperts = model.layers.filter((layer, index) => index < options.cpuExpertLayers && layer.expertBytes > 0);
    return computeBytes(model, plan, compute, 'input', withExperts);
  }
  const role = layers.length > 0 ? 'layers' : 'output';
  if (role === 'output' && placement.output !== device) return 0;
  const own = computeBytes(model, plan, compute, role, layers);
  // The RPC backend leaves what lies in the RAM to the processor.
  return /^RPC\d/.test(device) ? own : own + streamedWeightBytes(model, placement, options);
}

/**
 * Large batches are calculated on the GPU even for weights in the RAM, which are copied over one at a time (op_offload;
 * `offload_op` of ggml's CUDA backend). From the sources; it cannot be seen without such a GPU.
 */
function streamedWeightBytes(model: ModelMetadata, placement: LayerPlacement, options: NeedOptions): number {
  const sizes = model.layers.map((layer, index) =>
    placement.layers[index] === systemMemory || (index < options.cpuExpertLayers && layer.expertBytes > 0)
      ? layer.largestTensorBytes
      : 0,
  );
  return Math.max(0, ...sizes);
}

/** Whether the GPUs work on several micro-batches at once (the constructor of `llama_context` in src/llama-context.cpp). */
function isPipelined(placement: LayerPlacement, options: NeedOptions): boolean {
  return (
    options.gpus.length > 1 &&
    options.cpuExpertLayers === 0 &&
    placement.output !== systemMemory &&
    !placement.layers.includes(systemMemory)
  );
}

function resultElements(model: ModelMetadata, hasEmbeddings: boolean): number {
  return model.vocabularySize + (hasEmbeddings ? model.embeddingLength : 0);
}
