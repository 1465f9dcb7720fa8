import type { ModelConfig } from '../config/resolved-config.ts';
import type { ModelMetadata } from './gguf-model-metadata.ts';

/** What a model takes and gives, as the lists of models say it. */
export interface Modalities {
  readonly input: readonly ('text' | 'image' | 'audio')[];
  readonly output: readonly ('text' | 'embeddings' | 'scores')[];
}

export interface FileFacts {
  /** All its files: every part, and the projector. Undefined where one of them is not known. */
  readonly sizeBytes: number | undefined;
  readonly modalities: Modalities | undefined;
}

const UNKNOWN: FileFacts = { sizeBytes: undefined, modalities: undefined };

/** What can be said of a model without a look at its files; `known` is what was read of one before. Pure. */
export function describeFileFacts(
  config: ModelConfig | undefined,
  known: (file: string) => ModelMetadata | undefined,
): FileFacts {
  if (config?.kind !== 'file') return UNKNOWN;
  const metadata = known(config.file);
  const projector = config.mmproj === undefined ? undefined : known(config.mmproj);
  if (metadata === undefined || (config.mmproj !== undefined && projector === undefined)) return UNKNOWN;
  return {
    sizeBytes: metadata.fileBytes + (projector?.fileBytes ?? 0),
    modalities: modalitiesOf(config, metadata.kind, projector),
  };
}

function modalitiesOf(
  { embeddings, rerank }: { readonly embeddings: boolean; readonly rerank: boolean },
  kind: ModelMetadata['kind'],
  file: ModelMetadata | undefined,
): Modalities | undefined {
  if (kind === 'projector' || kind === 'adapter') return undefined;
  const projector = file?.projector;
  // Somebody gave it a projector, and what that is for is not said.
  if (file !== undefined && projector?.takesImages !== true && projector?.takesAudio !== true) return undefined;
  return {
    input: [
      'text',
      ...(projector?.takesImages === true ? (['image'] as const) : []),
      ...(projector?.takesAudio === true ? (['audio'] as const) : []),
    ],
    output: [rerank || kind === 'rerank' ? 'scores' : embeddings || kind === 'embedding' ? 'embeddings' : 'text'],
  };
}
