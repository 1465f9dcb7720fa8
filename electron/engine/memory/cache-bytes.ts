import type { LayerMetadata, ModelMetadata } from '../catalog/gguf-model-metadata.ts';
import { rowBytes, tensorType, tensorTypeId, type TensorType } from '../catalog/gguf-tensor-types.ts';
import type { ContextPlan } from './context-plan.ts';

/** What the layers of a model remember, in bytes. Pure. */

export interface CacheTypes {
  /** ggml's name, such as `q8_0`; `f16` if undefined. */
  readonly keyType: string | undefined;
  readonly valueType: string | undefined;
  readonly hasFlashAttention: boolean;
}

/** Recurrent states are always F32 (`llama_model::create_memory` in src/llama-model.cpp). */
const stateElementBytes = 4;

/**
 * KV cache and recurrent state of each layer. Source: the constructors of `llama_kv_cache` (src/llama-kv-cache.cpp) and
 * `llama_memory_recurrent` (src/llama-memory-recurrent.cpp) of build 11669.
 */
export function cacheBytesByLayer(metadata: ModelMetadata, plan: ContextPlan, types: CacheTypes): number[] {
  const keyType = cacheType(types.keyType);
  const valueType = cacheType(types.valueType);
  // Without flash attention the values lie across, padded to the widest layer.
  const widestValue = Math.max(0, ...metadata.layers.map(valueElements));
  return metadata.layers.map((layer) => {
    const tokens = plan.streams * (layer.cache === 'window' ? plan.windowTokens : plan.streamTokens);
    const values = types.hasFlashAttention ? valueElements(layer) : widestValue;
    const keyBytes = rowBytes(keyType, layer.kvHeads * layer.keyLength + metadata.indexerKeyLength);
    const valueBytes = metadata.hasLatentAttention ? 0 : rowBytes(valueType, values);
    const attention = tokens * (keyBytes + valueBytes);
    const state = plan.slots * metadata.recurrentElements * stateElementBytes;
    switch (layer.cache) {
      case 'none':
        return 0;
      case 'recurrent':
        return state;
      case 'full-and-recurrent':
        return attention + state;
      case 'full':
      case 'window':
        return attention;
    }
  });
}

function valueElements(layer: LayerMetadata): number {
  return layer.kvHeads * layer.valueLength;
}

function cacheType(name: string | undefined): TensorType {
  const id = tensorTypeId(name ?? 'f16');
  const type = id === undefined ? undefined : tensorType(id);
  // llama-server refuses types it does not know; the widest keeps the estimate on the safe side.
  return type ?? { name: 'f32', elementsPerBlock: 1, bytesPerBlock: 4 };
}
