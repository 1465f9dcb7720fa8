import type { LayerMetadata, ModelMetadata } from '../catalog/gguf-model-metadata.ts';
import type { ContextPlan } from './context-plan.ts';

/**
 * The memory that llama.cpp's graph needs for intermediate results. Pure.
 *
 * The graph allocator (ggml/src/ggml-alloc.c) reuses the memory of results that are no longer needed, so the size is that
 * of the moment with the most of them alive, plus the inputs, plus gaps between blocks that fit nothing else. The moments
 * are read off the graphs in src/llama-graph.cpp; how many copies of a row each holds, gaps included, is fitted to what
 * build 11669 reports for the shapes in docs/memory.md.
 */

export interface ComputeOptions {
  readonly hasFlashAttention: boolean;
  /** Whether GPUs that share the model overlap their work, for which inputs are kept several times. */
  readonly isPipelined: boolean;
  /** Whether results over the vocabulary are calculated, which pooled embeddings do without. */
  readonly hasLogits: boolean;
}

const elementBytes = 4;

/** GGML_SCHED_MAX_COPIES in ggml/src/ggml-backend.cpp. */
const pipelineCopies = 4;

/** Where the layers are that a device calculates. */
export type ComputeRole =
  /** All of the model runs here: token embeddings, layers, output. */
  | 'everything'
  /** Layers, and perhaps the output; the rows come from elsewhere. */
  | 'layers'
  /** Only what comes after the last layer. */
  | 'output'
  /** Only what comes before the first layer. */
  | 'input';

/**
 * The compute buffer of a device that holds the `layers` of the model; for `input`, layers whose experts stayed there.
 */
export function computeBytes(
  metadata: ModelMetadata,
  plan: ContextPlan,
  options: ComputeOptions,
  role: ComputeRole,
  layers: readonly LayerMetadata[],
): number {
  const row = plan.microBatchTokens * elementBytes;
  const hidden = metadata.embeddingLength * row;
  const masks = maskBytes(metadata, plan, options);
  const logits = options.hasLogits ? metadata.vocabularySize * plan.outputTokens * elementBytes : 0;
  switch (role) {
    case 'input': {
      // Without flash attention the masks are there twice.
      const inputs = options.hasFlashAttention ? masks : 2 * masks;
      const lookUp = options.isPipelined ? pipelineCopies * inputs + 10 * hidden : inputs + 4 * hidden;
      return Math.max(lookUp, ...layers.map((layer) => forwardBytes(layer, row, hidden)));
    }
    case 'output':
      return logits;
    case 'layers':
    case 'everything': {
      // One more copy of the rows where the embeddings are looked up.
      const rows = role === 'everything' ? 1 : 0;
      const moments = layers.map((layer) =>
        Math.max(
          forwardBytes(layer, row, hidden),
          attentionBytes(layer, plan, options, row, hidden),
          layer.cache === 'recurrent' || layer.cache === 'full-and-recurrent'
            ? 6 * metadata.recurrentWidth * row + 2 * rows * hidden
            : 0,
        ),
      );
      // What comes in is kept for each of the micro-batches under way, and by the first device what it looks up as well.
      const isFirst = layers[0] === metadata.layers[0];
      const copies = options.isPipelined ? (pipelineCopies - 1) * masks + (isFirst ? 12 : 7) * hidden : 0;
      // With few outputs the last layer is calculated for these rows only, and their logits are no moment of their own.
      const outputMoment = logits + (plan.outputTokens < plan.microBatchTokens ? 0 : (4 + rows) * hidden);
      return masks + rows * hidden + Math.max(0, outputMoment, ...moments) + copies;
    }
  }
}

/** One mask for each size of cache, F16 with flash attention (`build_attn_inp_kq_mask` in src/llama-graph.cpp). */
function maskBytes(metadata: ModelMetadata, plan: ContextPlan, options: ComputeOptions): number {
  const caches = new Set(metadata.layers.map(({ cache }) => cache));
  let tokens = 0;
  if (caches.has('full') || caches.has('full-and-recurrent')) tokens += plan.streamTokens;
  if (caches.has('window')) tokens += plan.windowTokens;
  // Without a cache a text attends to itself.
  if (caches.has('none') && tokens === 0) tokens = plan.microBatchTokens;
  return tokens * plan.microBatchTokens * (options.hasFlashAttention ? 2 : elementBytes);
}

function forwardBytes(layer: LayerMetadata, row: number, hidden: number): number {
  const { feedForwardLength, expertsUsed } = layer;
  const copies = Math.max(1, expertsUsed);
  const width = feedForwardLength * copies * row;
  const result = hidden * copies;
  // Gate, other half and their product; the result goes into the gap the first two leave, if it fits.
  const gated = 3 * width + (result > 2 * width ? result : 0);
  return layer.isGated ? gated + 4 * hidden : width + 5 * hidden;
}

function attentionBytes(
  layer: LayerMetadata,
  plan: ContextPlan,
  options: ComputeOptions,
  row: number,
  hidden: number,
): number {
  if (layer.heads === 0) return 0;
  const queries = layer.heads * layer.keyLength * row;
  const keysAndValues = layer.kvHeads * (layer.keyLength + layer.valueLength) * row;
  if (options.hasFlashAttention) return 2 * queries + keysAndValues + 4 * hidden;
  const scores = layer.heads * attendedTokens(layer, plan) * row;
  return scores + 3 * queries + 2 * keysAndValues + 2 * hidden;
}

function attendedTokens(layer: LayerMetadata, plan: ContextPlan): number {
  switch (layer.cache) {
    case 'window':
      return plan.windowTokens;
    case 'none':
      return plan.microBatchTokens;
    case 'recurrent':
      return 0;
    case 'full':
    case 'full-and-recurrent':
      return plan.streamTokens;
  }
}
