import { decideCacheLayout, type LayerCache } from './gguf-cache-layout.ts';
import { createKeyReader, MetadataError, type KeyReader } from './gguf-key-reader.ts';
import type { GgufHeader, GgufTensorInfo } from './gguf-reader.ts';

/**
 * What Corral needs to know of a model file, made from its header. Pure; plain data that a worker can send.
 * Meanings and defaults of the keys: `llama_model_base::load_hparams` in llama.cpp's src/llama-model.cpp, build 11669.
 */

export interface LayerMetadata {
  readonly cache: LayerCache;
  readonly weightBytes: number;
  /** The part of `weightBytes` that experts take. */
  readonly expertBytes: number;
  readonly largestTensorBytes: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Elements of a head's key and value as they are cached; for latent attention (MLA) those of the latent. */
  readonly keyLength: number;
  readonly valueLength: number;
  /** Width of the feed-forward part that one token goes through, in each of its experts; 0 without one. */
  readonly feedForwardLength: number;
  /** Experts a token goes through; 0 for a dense layer. */
  readonly expertsUsed: number;
  /** Whether a gate as wide as the feed-forward part multiplies it (SwiGLU and its like). */
  readonly isGated: boolean;
}

export interface ModelMetadata {
  readonly architecture: string;
  /** `general.name`, for people. */
  readonly name: string | undefined;
  /** A projector is the mmproj of another model. */
  readonly kind: 'language' | 'embedding' | 'rerank' | 'projector' | 'adapter';
  /** The tensor type that most of the bytes have, such as `q4_k`. */
  readonly quantization: string;
  /** All parts of a split file together. */
  readonly fileBytes: number;
  readonly partCount: number;
  /** Equal for equal files, and practically never for others: a digest of the header and of samples of the data. */
  readonly fingerprint: string;
  /** The context size the model was trained with, in tokens; 0 for a projector. */
  readonly trainedContextSize: number;
  readonly parameterCount: number;
  readonly embeddingLength: number;
  readonly vocabularySize: number;
  readonly isCausal: boolean;
  /** Keys only are cached (multi-head latent attention). */
  readonly hasLatentAttention: boolean;
  readonly windowTokens: number;
  /** Layers that are loaded. */
  readonly layers: readonly LayerMetadata[];
  /** Layers for multi-token prediction: they count towards the layers to offload, and are not loaded. */
  readonly predictionLayers: number;
  /** Elements of recurrent state a layer keeps for a sequence (F32). */
  readonly recurrentElements: number;
  /** Width of the recurrent part, for the memory its calculation takes. */
  readonly recurrentWidth: number;
  /** Elements of the key that a sparse attention's indexer keeps for a token and layer; 0 without one. */
  readonly indexerKeyLength: number;
  /** Token embeddings and what else stands before the first layer. */
  readonly inputBytes: number;
  /** What comes after the last layer. For tied embeddings the output's copy of them is in `tiedOutputBytes`. */
  readonly outputBytes: number;
  /** Bytes of the token embeddings that serve as output too; 0 if the model has an output of its own. */
  readonly tiedOutputBytes: number;
  readonly projector: ProjectorMetadata | undefined;
}

export interface ProjectorMetadata {
  readonly takesImages: boolean;
  readonly takesAudio: boolean;
  /** Side of the image in pixels, and of a patch of it; 0 for sound. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly embeddingLength: number;
  readonly feedForwardLength: number;
  readonly heads: number;
}

/** LLAMA_MAX_LAYERS in llama.cpp's src/llama-hparams.h. */
const maxLayers = 512;
/** LLAMA_POOLING_TYPE_RANK in include/llama.h. */
const poolingRank = 4;
const inputTensors = /^(token_embd|token_embd_norm|token_types|position_embd|per_layer_token_embd)\./;

/**
 * `parts` are the headers of a split file in their order, else one. Throws a `MetadataError` for a file without an
 * architecture or with impossible numbers.
 */
export function describeModel(parts: readonly GgufHeader[], fingerprint: string): ModelMetadata {
  const [first] = parts;
  if (first === undefined) throw new MetadataError('has no parts');
  const keys = createKeyReader(first);
  const architecture = keys.text('general.architecture');
  if (architecture === undefined) throw new MetadataError('does not say which architecture it has');
  const tensors = parts.flatMap((part) => part.tensors);
  const common = {
    architecture,
    name: keys.text('general.name'),
    quantization: mainType(tensors),
    fileBytes: parts.reduce((sum, part) => sum + part.fileBytes, 0),
    partCount: parts.length,
    fingerprint,
    parameterCount: countParameters(parts),
  };
  const type = keys.text('general.type');
  if (architecture === 'clip' || type === 'mmproj') {
    return { ...common, ...withoutLayers, kind: 'projector', inputBytes: sum(tensors), projector: projectorOf(keys) };
  }
  if (type === 'adapter') return { ...common, ...withoutLayers, kind: 'adapter', inputBytes: sum(tensors) };
  return { ...common, ...describeLayers(keys, architecture, tensors) };
}

const withoutLayers = {
  trainedContextSize: 0,
  embeddingLength: 0,
  vocabularySize: 0,
  isCausal: false,
  hasLatentAttention: false,
  windowTokens: 0,
  layers: [],
  predictionLayers: 0,
  recurrentElements: 0,
  recurrentWidth: 0,
  indexerKeyLength: 0,
  outputBytes: 0,
  tiedOutputBytes: 0,
  projector: undefined,
} as const;

function describeLayers(
  keys: KeyReader,
  architecture: string,
  tensors: readonly GgufTensorInfo[],
): Omit<
  ModelMetadata,
  'architecture' | 'name' | 'quantization' | 'fileBytes' | 'partCount' | 'fingerprint' | 'parameterCount'
> {
  const own = (key: string): string => `${architecture}.${key}`;
  const layerCount = keys.count(own('block_count'));
  if (layerCount < 1 || layerCount > maxLayers) {
    throw new MetadataError(`claims ${layerCount} layers; llama-server takes 1 to ${maxLayers}`);
  }
  const predictionLayers = Math.min(keys.count(own('nextn_predict_layers')), layerCount);
  const embeddingLength = keys.count(own('embedding_length'));
  const heads = keys.perLayer(own('attention.head_count'), layerCount, 0);
  const kvHeads = keys.perLayer(own('attention.head_count_kv'), layerCount, heads);
  const byLayer = groupByLayer(tensors, layerCount);
  const feedForward = keys.perLayer(own('feed_forward_length'), layerCount, 0);
  const layout = decideCacheLayout({
    architecture,
    layerCount,
    predictionLayers,
    kvHeads,
    slidingWindow: keys.number(own('attention.sliding_window')),
    windowPattern: keys.list(own('attention.sliding_window_pattern')),
    windowPeriod: keys.number(own('attention.sliding_window_pattern')),
    recurrentPattern: keys.list(own('attention.recurrent_layers')),
    fullAttentionInterval: keys.number(own('full_attention_interval')),
    // The first 20 layers of Gemma 3n have a cache (src/models/gemma3n.cpp).
    sharedLayers:
      architecture === 'gemma3n' ? Math.max(0, layerCount - 20) : keys.count(own('attention.shared_kv_layers')),
    feedForward,
  });
  const headLength = heads[0] === undefined || heads[0] === 0 ? 0 : Math.floor(embeddingLength / heads[0]);
  const lengthOf = (key: string, cache: LayerCache): number => {
    const full = keys.number(own(`attention.${key}`)) ?? headLength;
    return cache === 'window' ? (keys.number(own(`attention.${key}_swa`)) ?? full) : full;
  };
  const expertsUsed = keys.perLayer(own('expert_used_count'), layerCount, 0);
  const loadedLayers = predictionLayers === layerCount ? layerCount : layerCount - predictionLayers;
  const layers = Array.from({ length: loadedLayers }, (_, index): LayerMetadata => {
    const cache = layout.layers[index] ?? 'full';
    return {
      cache,
      heads: heads[index] ?? 0,
      kvHeads: kvHeads[index] ?? 0,
      keyLength: lengthOf('key_length', cache),
      valueLength: lengthOf('value_length', cache),
      ...describeWeights(byLayer.layers[index] ?? [], expertsUsed[index] ?? 0),
    };
  });
  const pooling = keys.number(own('pooling_type'));
  const isCacheless = layout.layers.every((cache) => cache === 'none');
  const isReranker = pooling === poolingRank || byLayer.others.some(({ name }) => name.startsWith('cls.output.'));
  const input = byLayer.others.filter(({ name }) => inputTensors.test(name));
  const output = byLayer.others.filter(({ name }) => !inputTensors.test(name));
  const isOutputTied = !byLayer.others.some(({ name }) => name === 'output.weight') && !isEncoder(architecture);
  return {
    kind: isReranker
      ? 'rerank'
      : pooling !== undefined && pooling > 0
        ? 'embedding'
        : isCacheless
          ? 'embedding'
          : 'language',
    trainedContextSize: keys.count(own('context_length')),
    embeddingLength,
    vocabularySize: keys.listLength('tokenizer.ggml.tokens') ?? keys.count(own('vocab_size')),
    isCausal: keys.flag(own('attention.causal')) ?? !isCacheless,
    hasLatentAttention: keys.count(own('attention.key_length_mla')) > 0,
    windowTokens: layout.windowTokens,
    layers,
    predictionLayers: layerCount - loadedLayers,
    ...recurrentSizes(keys, own, embeddingLength, heads[0] ?? 0, architecture),
    indexerKeyLength: ['deepseek32', 'glm-dsa'].includes(architecture)
      ? keys.count(own('attention.indexer.key_length'))
      : 0,
    inputBytes: sum(input),
    outputBytes: sum(output),
    tiedOutputBytes: isOutputTied ? sum(input.filter(({ name }) => name === 'token_embd.weight')) : 0,
    projector: undefined,
  };
}

/** Encoders have no output over the vocabulary. */
function isEncoder(architecture: string): boolean {
  return /bert|t5encoder|gemma-embedding|wavtokenizer/.test(architecture);
}

/** `n_embd_r` and `n_embd_s` of `llama_hparams` in llama.cpp's src/llama-hparams.cpp. */
function recurrentSizes(
  keys: KeyReader,
  own: (key: string) => string,
  embeddingLength: number,
  heads: number,
  architecture: string,
): { recurrentElements: number; recurrentWidth: number } {
  const wkvHeadSize = keys.count(own('wkv.head_size'));
  if (wkvHeadSize > 0) {
    const shifts = keys.number(own('token_shift_count')) ?? 2;
    return { recurrentElements: embeddingLength * (shifts + wkvHeadSize), recurrentWidth: embeddingLength };
  }
  const convolutionCache = keys.count(own('shortconv.l_cache'));
  if (convolutionCache > 0) {
    return { recurrentElements: embeddingLength * (convolutionCache - 1), recurrentWidth: embeddingLength };
  }
  const kernel = keys.count(own('ssm.conv_kernel'));
  const deltaHeadSize = keys.count(own('kda.head_dim'));
  if (deltaHeadSize > 0) {
    const width = heads * deltaHeadSize;
    const convolution = 3 * (kernel > 0 ? kernel - 1 : 3) * width;
    return { recurrentElements: convolution + deltaHeadSize * width, recurrentWidth: width };
  }
  if (architecture === 'minimax-01') {
    const size = keys.number(own('attention.key_length')) ?? 0;
    return { recurrentElements: size * size * heads, recurrentWidth: size * heads };
  }
  const inner = keys.count(own('ssm.inner_size'));
  const state = keys.count(own('ssm.state_size'));
  const groups = keys.count(own('ssm.group_count'));
  const convolution = Math.max(0, kernel - 1) * (inner + 2 * groups * state);
  return { recurrentElements: convolution + state * inner, recurrentWidth: inner };
}

function describeWeights(
  tensors: readonly GgufTensorInfo[],
  expertsUsed: number,
): Pick<
  LayerMetadata,
  'weightBytes' | 'expertBytes' | 'largestTensorBytes' | 'feedForwardLength' | 'expertsUsed' | 'isGated'
> {
  const isExpert = ({ name }: GgufTensorInfo): boolean => /\.ffn_\w+_exps\./.test(name);
  const down = (suffix: string): number =>
    Math.max(0, ...tensors.filter(({ name }) => name.includes(`.ffn_down${suffix}.weight`)).map(widthOf));
  const experts = tensors.filter(isExpert);
  const feedForwardLength = experts.length > 0 ? down('_exps') : down('');
  const up = tensors.find(({ name }) => /\.ffn_up(_exps)?\.weight$/.test(name));
  return {
    weightBytes: sum(tensors),
    expertBytes: sum(experts),
    largestTensorBytes: Math.max(0, ...tensors.map(({ sizeBytes }) => sizeBytes)),
    feedForwardLength,
    expertsUsed: experts.length > 0 ? expertsUsed : 0,
    // Some files hold the gate and the other half in one tensor.
    isGated:
      tensors.some(({ name }) => /\.ffn_(gate|gate_up)(_exps)?\.weight$/.test(name)) ||
      (up !== undefined && (up.dimensions[1] ?? 0) >= 2 * feedForwardLength),
  };
}

function widthOf({ dimensions }: GgufTensorInfo): number {
  return dimensions[0] ?? 0;
}

function groupByLayer(
  tensors: readonly GgufTensorInfo[],
  layerCount: number,
): { layers: GgufTensorInfo[][]; others: GgufTensorInfo[] } {
  const layers: GgufTensorInfo[][] = Array.from({ length: layerCount }, () => []);
  const others: GgufTensorInfo[] = [];
  for (const tensor of tensors) {
    const layer = /^(?:enc\.|dec\.)?blk\.(\d+)\./.exec(tensor.name)?.[1];
    (layer === undefined ? others : (layers[Number(layer)] ?? others)).push(tensor);
  }
  return { layers, others };
}

function projectorOf(keys: KeyReader): ProjectorMetadata {
  const takesImages = keys.flag('clip.has_vision_encoder') === true;
  const part = takesImages ? 'vision' : 'audio';
  const number = (key: string): number => keys.count(`clip.${part}.${key}`);
  return {
    takesImages,
    takesAudio: keys.flag('clip.has_audio_encoder') === true,
    imageSize: number('image_size'),
    patchSize: number('patch_size'),
    embeddingLength: number('embedding_length'),
    feedForwardLength: number('feed_forward_length'),
    heads: number('attention.head_count'),
  };
}

function mainType(tensors: readonly GgufTensorInfo[]): string {
  const bytes = new Map<string, number>();
  for (const { type, sizeBytes } of tensors) bytes.set(type, (bytes.get(type) ?? 0) + sizeBytes);
  const [first] = [...bytes].sort(([, one], [, other]) => other - one);
  return first?.[0] ?? 'unknown';
}

/** Elements of all tensors, as people count the size of a model. */
export function countParameters(parts: readonly GgufHeader[]): number {
  const elements = parts.flatMap(({ tensors }) => tensors.map(({ dimensions }) => dimensions));
  return elements.reduce((total, dimensions) => total + dimensions.reduce((product, each) => product * each, 1), 0);
}

function sum(tensors: readonly GgufTensorInfo[]): number {
  return tensors.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
