import { writeGguf, type GgufTensor, type GgufValue } from '../../../electron/engine/catalog/gguf-writer.ts';
import { createSeededRandom } from './seeded-random.ts';

const layers = 2;
const size = 64;
const feedForward = 64;
const vocabulary = [
  ...['<unk>', '<s>', '</s>'],
  ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
];
// llama.cpp: enum llama_token_type in include/llama.h: unknown, control, control, bytes.
const tokenTypes = [2, 3, 3, ...Array.from({ length: 256 }, () => 6)];

/**
 * The bytes of a small model with random weights, the same ones in every run. It talks nonsense, and what it says depends on
 * every token before: a KV cache that came back wrong shows in its answers. A token a byte.
 */
export function buildAttentiveModel(): Uint8Array {
  const random = createSeededRandom(7);
  const matrix = (name: string, rowLength: number, rows: number, scale = 1): GgufTensor => ({
    name,
    dimensions: [rowLength, rows],
    data: Float32Array.from({ length: rowLength * rows }, () => ((random() - 0.5) * 4 * scale) / Math.sqrt(rowLength)),
  });
  const ones = (name: string): GgufTensor => ({ name, dimensions: [size], data: new Float32Array(size).fill(1) });
  const tensors = [matrix('token_embd.weight', size, vocabulary.length, 4)];
  for (let layer = 0; layer < layers; layer += 1) {
    const at = (name: string): string => `blk.${layer}.${name}.weight`;
    tensors.push(ones(at('attn_norm')));
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) tensors.push(matrix(at(name), size, size));
    tensors.push(ones(at('ffn_norm')));
    tensors.push(matrix(at('ffn_gate'), size, feedForward), matrix(at('ffn_up'), size, feedForward));
    tensors.push(matrix(at('ffn_down'), feedForward, size));
  }
  tensors.push(ones('output_norm.weight'), matrix('output.weight', size, vocabulary.length, 2));
  return writeGguf({ metadata: metadata(), tensors });
}

function metadata(): Map<string, GgufValue> {
  const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
  const text = (value: string): GgufValue => ({ type: 'string', value });
  return new Map<string, GgufValue>([
    ['general.architecture', text('llama')],
    ['general.type', text('model')],
    ['general.name', text('attentive')],
    ['general.file_type', uint32(0)],
    ['llama.block_count', uint32(layers)],
    ['llama.context_length', uint32(8192)],
    ['llama.embedding_length', uint32(size)],
    ['llama.feed_forward_length', uint32(feedForward)],
    ['llama.attention.head_count', uint32(1)],
    ['llama.attention.head_count_kv', uint32(1)],
    ['llama.attention.key_length', uint32(size)],
    ['llama.attention.value_length', uint32(size)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.dimension_count', uint32(size)],
    ['llama.vocab_size', uint32(vocabulary.length)],
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.pre', text('default')],
    ['tokenizer.ggml.tokens', { type: 'string-array', value: vocabulary }],
    ['tokenizer.ggml.scores', { type: 'float32-array', value: vocabulary.map(() => 0) }],
    ['tokenizer.ggml.token_type', { type: 'int32-array', value: tokenTypes }],
    ['tokenizer.ggml.unknown_token_id', uint32(0)],
    ['tokenizer.ggml.bos_token_id', uint32(1)],
    ['tokenizer.ggml.eos_token_id', uint32(2)],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: false }],
    ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: false }],
    ['tokenizer.chat_template', text("{% for message in messages %}{{ message['content'] + '\\n' }}{% endfor %}")],
  ]);
}
