import type { ModelMetadata } from '../catalog/gguf-model-metadata.ts';

/** The sizes llama-server works out from its arguments before it allocates anything. Pure. */

export interface ContextOptions {
  /** `--ctx-size`, over all slots; undefined and 0 stand for what the model was trained with. */
  readonly contextSize: number | undefined;
  /** `--parallel`; undefined for the server's own choice. */
  readonly slots: number | undefined;
  /** `--kv-unified`; undefined for the server's own choice. */
  readonly isKvUnified: boolean | undefined;
  /** `--batch-size`; 2048 if undefined. */
  readonly batchSize: number | undefined;
  /** `--ubatch-size`; 512 if undefined. */
  readonly microBatchSize: number | undefined;
  /** `--embeddings`, `--reranking`, or a pooling of the model's own. */
  readonly hasEmbeddings: boolean;
  /** `--swa-full`. */
  readonly isWindowFull: boolean;
}

export interface ContextPlan {
  readonly slots: number;
  readonly isKvUnified: boolean;
  /** Tokens over all slots. */
  readonly contextSize: number;
  /** Tokens that a cache is made for; each stream has one of its own. */
  readonly streamTokens: number;
  readonly streams: number;
  /** Tokens a stream keeps in layers with a sliding window. */
  readonly windowTokens: number;
  /** Tokens that go through the model at once. */
  readonly microBatchTokens: number;
  /** Tokens of a micro-batch for which an output is calculated. */
  readonly outputTokens: number;
}

/** Slots that llama-server makes if none are asked for, in one cache (tools/server/server.cpp, build 11669). */
const defaultSlots = 4;
const defaultBatchTokens = 2048;
const defaultMicroBatchTokens = 512;
/** Context sizes and windows are rounded up to it (`GGML_PAD(…, 256)`). */
const cacheStep = 256;

/**
 * Source: the constructor of `llama_context` (src/llama-context.cpp), that of `llama_kv_cache_iswa`
 * (src/llama-kv-cache-iswa.cpp), `common_params_fit_impl` (common/fit.cpp) and `llama_server` (tools/server/server.cpp)
 * of build 11669.
 *
 * `--fit`, on by default, only changes arguments that do not fit: it takes a context that is not given for all streams,
 * and shrinks it, then moves layers to the RAM, until the rest fits. What is planned here is the state before that.
 */
export function planContext(metadata: ModelMetadata, options: ContextOptions): ContextPlan {
  const slots = Math.max(1, Math.floor(options.slots ?? defaultSlots));
  const isKvUnified = options.isKvUnified ?? options.slots === undefined;
  const streams = isKvUnified ? 1 : slots;
  const wanted = options.contextSize ?? 0;
  const total = padToStep(wanted > 0 ? wanted : Math.max(1, metadata.trainedContextSize) * streams);
  const streamTokens = padToStep(Math.floor(total / streams));
  const contextSize = streamTokens * streams;

  const asked = options.batchSize ?? defaultBatchTokens;
  const microBatch = options.microBatchSize ?? defaultMicroBatchTokens;
  // A text to embed goes through at once.
  const batchTokens = options.hasEmbeddings ? Math.min(asked, microBatch) : asked;
  const batchLimit = metadata.isCausal ? Math.min(contextSize, batchTokens) : batchTokens;
  const microBatchTokens = Math.max(1, Math.min(batchLimit, microBatch, contextSize));
  return {
    slots,
    isKvUnified,
    contextSize,
    streamTokens,
    streams,
    windowTokens: options.isWindowFull
      ? streamTokens
      : padToStep(Math.min(streamTokens, metadata.windowTokens * (isKvUnified ? slots : 1) + microBatchTokens)),
    microBatchTokens,
    outputTokens: options.hasEmbeddings ? microBatchTokens : Math.min(slots, microBatchTokens),
  };
}

function padToStep(tokens: number): number {
  return Math.ceil(tokens / cacheStep) * cacheStep;
}
