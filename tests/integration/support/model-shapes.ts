/**
 * GGUF files with the shape of real architectures and weights that are all zero: llama-server loads them like any other,
 * and they take no space on a file system that knows holes. Tensors as in llama.cpp's src/models/<architecture>.cpp.
 */
import { open } from 'node:fs/promises';
import { tensorBytes, tensorType, tensorTypeId } from '../../../electron/engine/catalog/gguf-tensor-types.ts';
import { writeGgufHeader, type GgufTensorShape, type GgufValue } from '../../../electron/engine/catalog/gguf-writer.ts';

export interface ModelShape {
  readonly architecture: string;
  readonly layers: number;
  readonly embedding: number;
  readonly heads: number;
  /** One number, or one a layer. */
  readonly kvHeads: number | readonly number[];
  readonly headSize: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly contextLength: number;
  /** ggml's name of the matrices' type; norms are always F32. */
  readonly weightType?: string;
  readonly isOutputTied?: boolean;
  readonly experts?: { readonly count: number; readonly used: number; readonly feedForward: number };
  readonly slidingWindow?: number;
  /** More pairs under `<architecture>.`. */
  readonly extra?: Readonly<Record<string, GgufValue>>;
}

interface NamedTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type?: string;
}

const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
const text = (value: string): GgufValue => ({ type: 'string', value });
const float32 = (value: number): GgufValue => ({ type: 'float32', value });

/** Writes a model of zeros. Its apparent size is that of a real one. */
export async function writeModelShape(filePath: string, shape: ModelShape): Promise<void> {
  const tensors = tensorsOf(shape);
  await writeSparse(filePath, metadataOf(shape), tensors, shape.weightType ?? 'f16');
}

async function writeSparse(
  filePath: string,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly NamedTensor[],
  weightType: string,
): Promise<void> {
  const shapes = tensors.map(({ name, dimensions, type }): GgufTensorShape => {
    const typeName = type ?? (dimensions.length > 1 ? weightType : 'f32');
    const typeId = tensorTypeId(typeName);
    const ggmlType = typeId === undefined ? undefined : tensorType(typeId);
    if (typeId === undefined || ggmlType === undefined) throw new Error(`There is no tensor type ${typeName}.`);
    return { name, dimensions, typeId, sizeBytes: tensorBytes(ggmlType, dimensions) };
  });
  const { header, dataBytes } = writeGgufHeader({ metadata, tensors: shapes });
  const file = await open(filePath, 'w');
  try {
    await file.write(header);
    await file.truncate(header.length + dataBytes);
  } finally {
    await file.close();
  }
}

function metadataOf(shape: ModelShape): Map<string, GgufValue> {
  const { architecture } = shape;
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text(architecture)],
    ['general.type', text('model')],
    ['general.name', text(`shape of ${architecture}`)],
    ['general.file_type', uint32(1)],
  ]);
  const set = (key: string, value: GgufValue): void => {
    metadata.set(`${architecture}.${key}`, value);
  };
  set('block_count', uint32(shape.layers));
  set('context_length', uint32(shape.contextLength));
  set('embedding_length', uint32(shape.embedding));
  set('feed_forward_length', uint32(shape.feedForward));
  set('attention.head_count', uint32(shape.heads));
  set(
    'attention.head_count_kv',
    typeof shape.kvHeads === 'number' ? uint32(shape.kvHeads) : { type: 'int32-array', value: shape.kvHeads },
  );
  set('attention.key_length', uint32(shape.headSize));
  set('attention.value_length', uint32(shape.headSize));
  set('attention.layer_norm_rms_epsilon', float32(1e-5));
  set('attention.layer_norm_epsilon', float32(1e-5));
  set('rope.dimension_count', uint32(shape.headSize));
  set('vocab_size', uint32(shape.vocabulary));
  if (shape.experts !== undefined) {
    set('expert_count', uint32(shape.experts.count));
    set('expert_used_count', uint32(shape.experts.used));
    set('expert_feed_forward_length', uint32(shape.experts.feedForward));
  }
  if (shape.slidingWindow !== undefined) set('attention.sliding_window', uint32(shape.slidingWindow));
  for (const [key, value] of Object.entries(shape.extra ?? {})) set(key, value);
  for (const [key, value] of architecture === 'bert' ? bertTokenizer(shape) : llamaTokenizer(shape)) {
    metadata.set(key, value);
  }
  return metadata;
}

function llamaTokenizer({ vocabulary }: ModelShape): [string, GgufValue][] {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const fixed = ['<unk>', '<s>', '</s>', ...bytes];
  const tokens = [...fixed, ...Array.from({ length: vocabulary - fixed.length }, (_, index) => `\u2581w${index}`)];
  return [
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.pre', text('default')],
    ['tokenizer.ggml.tokens', { type: 'string-array', value: tokens }],
    ['tokenizer.ggml.scores', { type: 'float32-array', value: tokens.map(() => 0) }],
    [
      'tokenizer.ggml.token_type',
      { type: 'int32-array', value: tokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)) },
    ],
    ['tokenizer.ggml.bos_token_id', uint32(1)],
    ['tokenizer.ggml.eos_token_id', uint32(2)],
    ['tokenizer.ggml.unknown_token_id', uint32(0)],
  ];
}

function bertTokenizer({ vocabulary }: ModelShape): [string, GgufValue][] {
  const fixed = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const tokens = [...fixed, ...Array.from({ length: vocabulary - fixed.length }, (_, index) => `\u2581w${index}`)];
  return [
    ['bert.pooling_type', uint32(1)],
    ['bert.attention.causal', { type: 'bool', value: false }],
    ['tokenizer.ggml.model', text('bert')],
    ['tokenizer.ggml.pre', text('default')],
    ['tokenizer.ggml.tokens', { type: 'string-array', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'int32-array', value: tokens.map((_, id) => (id < 5 ? 3 : 1)) }],
    ['tokenizer.ggml.token_type_count', uint32(2)],
    ['tokenizer.ggml.bos_token_id', uint32(2)],
    ['tokenizer.ggml.cls_token_id', uint32(2)],
    ['tokenizer.ggml.eos_token_id', uint32(3)],
    ['tokenizer.ggml.seperator_token_id', uint32(3)],
    ['tokenizer.ggml.unknown_token_id', uint32(1)],
    ['tokenizer.ggml.padding_token_id', uint32(0)],
    ['tokenizer.ggml.mask_token_id', uint32(4)],
  ];
}

function tensorsOf(shape: ModelShape): NamedTensor[] {
  const { embedding, vocabulary } = shape;
  const layers = Array.from({ length: shape.layers }, (_, index) =>
    layerTensors(shape, index).map((tensor) => ({ ...tensor, name: `blk.${index}.${tensor.name}` })),
  ).flat();
  const isBert = shape.architecture === 'bert';
  return [
    { name: 'token_embd.weight', dimensions: [embedding, vocabulary] },
    ...(isBert
      ? [
          { name: 'token_types.weight', dimensions: [embedding, 2], type: 'f32' },
          { name: 'position_embd.weight', dimensions: [embedding, shape.contextLength], type: 'f32' },
          { name: 'token_embd_norm.weight', dimensions: [embedding] },
          { name: 'token_embd_norm.bias', dimensions: [embedding] },
        ]
      : [{ name: 'output_norm.weight', dimensions: [embedding] }]),
    ...(isBert || shape.isOutputTied === true ? [] : [{ name: 'output.weight', dimensions: [embedding, vocabulary] }]),
    ...layers,
  ];
}

function layerTensors(shape: ModelShape, layer: number): NamedTensor[] {
  const { architecture, embedding, heads, headSize, feedForward, experts } = shape;
  const kvHeads = typeof shape.kvHeads === 'number' ? shape.kvHeads : (shape.kvHeads[layer] ?? 0);
  const isGemma = architecture.startsWith('gemma');
  const norm = (name: string): NamedTensor => ({ name: `${name}.weight`, dimensions: [embedding] });
  const matrix = (name: string, ...dimensions: number[]): NamedTensor => ({ name: `${name}.weight`, dimensions });
  const bias = (name: string, length: number): NamedTensor => ({ name: `${name}.bias`, dimensions: [length] });
  if (architecture === 'mamba') return mambaTensors(embedding);
  if (architecture === 'qwen35' && kvHeads === 0) return deltaNetTensors(shape);
  // Qwen 3.5 has a gate as wide as the queries.
  const queryFactor = architecture === 'qwen35' ? 2 : 1;
  const attention = [
    matrix('attn_q', embedding, heads * headSize * queryFactor),
    matrix('attn_k', embedding, kvHeads * headSize),
    matrix('attn_v', embedding, kvHeads * headSize),
    matrix('attn_output', heads * headSize, embedding),
  ];
  if (architecture === 'bert') {
    return [
      ...attention,
      bias('attn_q', heads * headSize),
      bias('attn_k', kvHeads * headSize),
      bias('attn_v', kvHeads * headSize),
      bias('attn_output', embedding),
      norm('attn_output_norm'),
      bias('attn_output_norm', embedding),
      matrix('ffn_up', embedding, feedForward),
      bias('ffn_up', feedForward),
      matrix('ffn_down', feedForward, embedding),
      bias('ffn_down', embedding),
      norm('layer_output_norm'),
      bias('layer_output_norm', embedding),
    ];
  }
  const headNorms = ['gemma3', 'qwen3', 'qwen3moe', 'qwen35'].includes(architecture)
    ? ['attn_q_norm', 'attn_k_norm'].map((name) => ({ name: `${name}.weight`, dimensions: [headSize] }))
    : [];
  const postNorms = isGemma ? [norm('post_attention_norm'), norm('post_ffw_norm')] : [];
  if (architecture === 'qwen35') {
    return [norm('attn_norm'), ...attention, ...headNorms, norm('post_attention_norm'), ...gatedForward(shape)];
  }
  if (architecture === 'gpt-oss') return [...attention, ...gptOssTensors(shape)];
  if (architecture === 'deepseek2') return latentAttentionTensors(shape);
  const forward =
    experts === undefined
      ? gatedForward(shape)
      : [
          { name: 'ffn_gate_inp.weight', dimensions: [embedding, experts.count], type: 'f32' },
          matrix('ffn_gate_exps', embedding, experts.feedForward, experts.count),
          matrix('ffn_up_exps', embedding, experts.feedForward, experts.count),
          matrix('ffn_down_exps', experts.feedForward, embedding, experts.count),
        ];
  return [norm('attn_norm'), ...attention, ...headNorms, ...postNorms, norm('ffn_norm'), ...forward];
}

function gatedForward({ embedding, feedForward }: ModelShape): NamedTensor[] {
  return [
    { name: 'ffn_gate.weight', dimensions: [embedding, feedForward] },
    { name: 'ffn_up.weight', dimensions: [embedding, feedForward] },
    { name: 'ffn_down.weight', dimensions: [feedForward, embedding] },
  ];
}

/** Besides the matrices of its attention: sinks, biases everywhere, experts. */
function gptOssTensors({ embedding, heads, headSize, kvHeads, experts }: ModelShape): NamedTensor[] {
  const kvLength = (typeof kvHeads === 'number' ? kvHeads : 0) * headSize;
  const { count = 1, feedForward = 1 } = experts ?? {};
  const vector = (name: string, ...dimensions: number[]): NamedTensor => ({ name, dimensions, type: 'f32' });
  return [
    vector('attn_norm.weight', embedding),
    vector('post_attention_norm.weight', embedding),
    vector('attn_q.bias', heads * headSize),
    vector('attn_k.bias', kvLength),
    vector('attn_v.bias', kvLength),
    vector('attn_output.bias', embedding),
    vector('attn_sinks.weight', heads),
    vector('ffn_gate_inp.weight', embedding, count),
    vector('ffn_gate_inp.bias', count),
    { name: 'ffn_gate_exps.weight', dimensions: [embedding, feedForward, count] },
    { name: 'ffn_up_exps.weight', dimensions: [embedding, feedForward, count] },
    { name: 'ffn_down_exps.weight', dimensions: [feedForward, embedding, count] },
    vector('ffn_gate_exps.bias', feedForward, count),
    vector('ffn_up_exps.bias', feedForward, count),
    vector('ffn_down_exps.bias', embedding, count),
  ];
}

/** The latent size of DeepSeek's attention, and its rotated part. */
export const latentSizes = { rank: 512, rotated: 64, unrotated: 128, value: 128, queryRank: 768 } as const;

function latentAttentionTensors(shape: ModelShape): NamedTensor[] {
  const { embedding, heads } = shape;
  const { rank, rotated, unrotated, value, queryRank } = latentSizes;
  return [
    { name: 'attn_norm.weight', dimensions: [embedding] },
    { name: 'attn_q_a_norm.weight', dimensions: [queryRank] },
    { name: 'attn_kv_a_norm.weight', dimensions: [rank] },
    { name: 'attn_q_a.weight', dimensions: [embedding, queryRank] },
    { name: 'attn_q_b.weight', dimensions: [queryRank, heads * (rotated + unrotated)] },
    { name: 'attn_kv_a_mqa.weight', dimensions: [embedding, rank + rotated] },
    { name: 'attn_k_b.weight', dimensions: [unrotated, rank, heads] },
    { name: 'attn_v_b.weight', dimensions: [rank, value, heads] },
    { name: 'attn_output.weight', dimensions: [heads * value, embedding] },
    { name: 'ffn_norm.weight', dimensions: [embedding] },
    ...gatedForward(shape),
  ];
}

/** Heads of Qwen 3.5's gated delta net: 16 for keys, 32 for values, 128 wide. */
export const deltaNetSizes = { keyHeads: 16, valueHeads: 32, headSize: 128, kernel: 4 } as const;

function deltaNetTensors(shape: ModelShape): NamedTensor[] {
  const { embedding } = shape;
  const { keyHeads, valueHeads, headSize, kernel } = deltaNetSizes;
  const inner = valueHeads * headSize;
  const convolved = inner + 2 * keyHeads * headSize;
  return [
    { name: 'attn_norm.weight', dimensions: [embedding] },
    { name: 'post_attention_norm.weight', dimensions: [embedding] },
    { name: 'attn_qkv.weight', dimensions: [embedding, convolved] },
    { name: 'attn_gate.weight', dimensions: [embedding, inner] },
    { name: 'ssm_conv1d.weight', dimensions: [kernel, convolved], type: 'f32' },
    { name: 'ssm_dt.bias', dimensions: [valueHeads] },
    { name: 'ssm_a', dimensions: [valueHeads] },
    { name: 'ssm_beta.weight', dimensions: [embedding, valueHeads] },
    { name: 'ssm_alpha.weight', dimensions: [embedding, valueHeads] },
    { name: 'ssm_norm.weight', dimensions: [headSize] },
    { name: 'ssm_out.weight', dimensions: [inner, embedding] },
    ...gatedForward(shape),
  ];
}

/** State size 16, kernel 4: those of every Mamba model. */
function mambaTensors(embedding: number): NamedTensor[] {
  const inner = 2 * embedding;
  const rank = Math.ceil(embedding / 16);
  return [
    { name: 'attn_norm.weight', dimensions: [embedding] },
    { name: 'ssm_in.weight', dimensions: [embedding, 2 * inner] },
    { name: 'ssm_conv1d.weight', dimensions: [4, inner], type: 'f32' },
    { name: 'ssm_conv1d.bias', dimensions: [inner] },
    { name: 'ssm_x.weight', dimensions: [inner, rank + 32] },
    { name: 'ssm_dt.weight', dimensions: [rank, inner] },
    { name: 'ssm_dt.bias', dimensions: [inner] },
    { name: 'ssm_a', dimensions: [16, inner], type: 'f32' },
    { name: 'ssm_d', dimensions: [inner] },
    { name: 'ssm_out.weight', dimensions: [inner, embedding] },
  ];
}

export interface ProjectorShape {
  readonly layers: number;
  readonly embedding: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly imageSize: number;
  readonly patchSize: number;
  /** The embedding length of the model it belongs to. */
  readonly modelEmbedding: number;
}

/** An mmproj of Gemma 3's kind: a vision transformer and one projection (tools/mtmd/models/siglip.cpp). */
export async function writeProjectorShape(filePath: string, shape: ProjectorShape): Promise<void> {
  const { embedding, feedForward, patchSize, imageSize } = shape;
  const vector = (name: string, length: number): NamedTensor => ({ name, dimensions: [length] });
  const dense = (name: string, from: number, to: number): NamedTensor[] => [
    { name: `${name}.weight`, dimensions: [from, to] },
    vector(`${name}.bias`, to),
  ];
  const norm = (name: string): NamedTensor[] => [
    vector(`${name}.weight`, embedding),
    vector(`${name}.bias`, embedding),
  ];
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text('clip')],
    ['general.type', text('mmproj')],
    ['general.name', text('shape of a projector')],
    ['general.file_type', uint32(1)],
    ['clip.has_vision_encoder', { type: 'bool', value: true }],
    ['clip.projector_type', text('gemma3')],
    ['clip.use_gelu', { type: 'bool', value: true }],
    ['clip.vision.image_size', uint32(imageSize)],
    ['clip.vision.patch_size', uint32(patchSize)],
    ['clip.vision.embedding_length', uint32(embedding)],
    ['clip.vision.feed_forward_length', uint32(feedForward)],
    ['clip.vision.projection_dim', uint32(shape.modelEmbedding)],
    ['clip.vision.block_count', uint32(shape.layers)],
    ['clip.vision.attention.head_count', uint32(shape.heads)],
    ['clip.vision.attention.layer_norm_epsilon', float32(1e-6)],
    ['clip.vision.image_mean', { type: 'float32-array', value: [0.5, 0.5, 0.5] }],
    ['clip.vision.image_std', { type: 'float32-array', value: [0.5, 0.5, 0.5] }],
  ]);
  const layers = Array.from({ length: shape.layers }, (_, index) => {
    const name = `v.blk.${index}`;
    return [
      ...norm(`${name}.ln1`),
      ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) => dense(`${name}.${part}`, embedding, embedding)),
      ...norm(`${name}.ln2`),
      ...dense(`${name}.ffn_up`, embedding, feedForward),
      ...dense(`${name}.ffn_down`, feedForward, embedding),
    ];
  }).flat();
  const tensors: NamedTensor[] = [
    { name: 'v.patch_embd.weight', dimensions: [patchSize, patchSize, 3, embedding], type: 'f32' },
    vector('v.patch_embd.bias', embedding),
    { name: 'v.position_embd.weight', dimensions: [embedding, (imageSize / patchSize) ** 2], type: 'f32' },
    ...layers,
    ...norm('v.post_ln'),
    { name: 'mm.input_projection.weight', dimensions: [shape.modelEmbedding, embedding] },
    vector('mm.soft_emb_norm.weight', embedding),
  ];
  await writeSparse(filePath, metadata, tensors, 'f16');
}
