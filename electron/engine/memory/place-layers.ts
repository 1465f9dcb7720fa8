/**
 * Which device gets which layer. Pure.
 * Source: `llama_model_base::load_tensors` in llama.cpp's src/llama-model.cpp, build 11669, for `--split-mode layer`.
 */

export interface GpuShare {
  /** As llama-server calls it, such as `CUDA0`. */
  readonly name: string;
  /** Its part of the layers: that of `--tensor-split`, or its free memory. */
  readonly share: number;
}

/** The system's memory as a device; GPUs go by the names llama-server gives them. */
export const systemMemory = 'RAM';

export interface LayerPlacement {
  /** For each layer the name of its GPU, or `RAM`. */
  readonly layers: readonly string[];
  readonly output: string;
}

/**
 * The output counts as the layer after the last: it is the first to be offloaded, and the layers follow from the last one
 * on. `layerCount` includes layers for multi-token prediction, even if they are not loaded. GPUs whose shares are all 0 get
 * equal ones.
 */
export function placeLayers(
  layerCount: number,
  gpuLayers: number | 'all' | 'auto',
  gpus: readonly GpuShare[],
): LayerPlacement {
  const all = layerCount + 1;
  const wanted = typeof gpuLayers === 'number' ? Math.min(Math.max(0, gpuLayers), all) : all;
  const offloaded = gpus.length === 0 ? 0 : wanted;
  const start = all - offloaded;
  const isEven = gpus.every(({ share }) => share <= 0);
  const shares = gpus.map(({ share }) => (isEven ? 1 : Math.max(0, share)));
  const total = shares.reduce((sum, share) => sum + share, 0);
  let upTo = 0;
  const bounds = shares.map((share) => (upTo += share) / total);
  const place = (layer: number): string => {
    const position = (layer - start) / offloaded;
    const gpu = layer < start ? -1 : bounds.findIndex((bound) => bound > position);
    return gpus[gpu]?.name ?? systemMemory;
  };
  return { layers: Array.from({ length: layerCount }, (_, layer) => place(layer)), output: place(layerCount) };
}
