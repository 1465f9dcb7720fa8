import type { ModelMetadata } from '../catalog/gguf-model-metadata.ts';

const elementBytes = 4;
/** Patches of the largest image where the file does not tell: 1024 pixels square in patches of 16. */
const defaultPatches = 4096;

/**
 * The compute buffer of a projector (mmproj): that of a transformer over the patches of one image. Pure.
 * Source: `build_vit` in llama.cpp's tools/mtmd/clip.cpp. Models that take images of any size may need more.
 */
export function projectorComputeBytes(metadata: ModelMetadata, hasFlashAttention: boolean): number {
  const { projector } = metadata;
  if (projector === undefined) return 0;
  const { imageSize, patchSize, embeddingLength, feedForwardLength, heads } = projector;
  const patches = imageSize > 0 && patchSize > 0 ? Math.ceil(imageSize / patchSize) ** 2 : defaultPatches;
  const row = patches * elementBytes;
  // How many rows are alive at once is fitted to build 11669, as in compute-bytes.ts.
  const forward = (feedForwardLength + 3 * embeddingLength) * row;
  const scores = hasFlashAttention ? 0 : heads * patches * row;
  return Math.max(forward, scores + (hasFlashAttention ? 3 : 6) * embeddingLength * row);
}
