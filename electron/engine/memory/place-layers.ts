/**
 * Which device gets which layer. Pure.
 * Source: `llama_model_base::load_tensors` in llama.cpp's src/llama-model.cpp, build 11669, for `--split-mode layer`.
 */

export interface LayerPlacement {
  /** For each layer the index of its GPU, or `RAM`. */
  readonly layers: readonly ('RAM' | number)[];
  readonly output: 'RAM' | number;
}

/**
 * `gpuShares` has a number for each GPU: its part of `--tensor-split`, or its free memory, which is what llama-server goes
 * by without one. The output counts as the layer after the last: it is the first to be offloaded, and the layers follow
 * from the last one on. `layerCount` includes layers for multi-token prediction, even if they are not loaded.
 */
export function placeLayers(
  layerCount: number,
  gpuLayers: number | 'all' | 'auto',
  gpuShares: readonly number[],
): LayerPlacement {
  const all = layerCount + 1;
  const offloaded = gpuShares.length === 0 ? 0 : typeof gpuLayers === 'number' ? Math.min(gpuLayers, all) : all;
  const start = all - offloaded;
  const sum = gpuShares.reduce((total, share) => total + share, 0);
  const shares = sum > 0 ? gpuShares : gpuShares.map(() => 1);
  const total = shares.reduce((rest, share) => rest + share, 0);
  let upTo = 0;
  const bounds = shares.map((share) => (upTo += share) / total);
  const place = (layer: number): 'RAM' | number => {
    if (layer < start) return 'RAM';
    const position = (layer - start) / offloaded;
    const gpu = bounds.findIndex((bound) => bound > position);
    return gpu === -1 ? shares.length - 1 : gpu;
  };
  return { layers: Array.from({ length: layerCount }, (_, layer) => place(layer)), output: place(layerCount) };
}
