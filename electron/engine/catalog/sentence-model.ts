/**
 * A language model that says one sentence, whatever it is asked: small enough to be made in code, real enough for
 * llama-server to load it and to answer through its own chat endpoint.
 *
 * It is a `llama` model with one block whose weights are all zero, so a token's embedding reaches the output unchanged.
 * Each piece of the sentence has a dimension of its own there, everything else shares dimension 0, and the output matrix
 * maps each dimension to the token that comes next: a Markov chain.
 */

import { writeGguf, type GgufTensor, type GgufValue } from './gguf-writer.ts';

export interface SentenceModelOptions {
  /** Becomes `general.name`. */
  readonly name: string;
  /** What the model says. */
  readonly sentence: string;
  /** The context size the model claims to have been trained with, in tokens. Prompts cost a token a byte. */
  readonly contextLength?: number;
  /** A Jinja template that ends in `answerMark`, for a model that shall know tools or thinking. */
  readonly chatTemplate?: string;
}

/** Long enough for the prompts of chat apps; at 512 bytes of KV cache a token it costs 16 MiB. */
const defaultContextLength = 32_768;

// llama.cpp: enum llama_token_type in include/llama.h.
const tokenTypes = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;
const endOfSequence = 2;
/** U+2581, which stands for a space in the vocabularies of SentencePiece. */
const spaceMark = '\u2581';
/** What a prompt ends in: the sentence begins after it. */
export const answerMark = '<|bot|>';
const specialTokens: readonly (readonly [text: string, type: number])[] = [
  ['<unk>', tokenTypes.unknown],
  ['<s>', tokenTypes.control],
  ['</s>', tokenTypes.control],
  ...Array.from({ length: 256 }, (_, byte): readonly [string, number] => [
    `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    tokenTypes.byte,
  ]),
  [answerMark, tokenTypes.control],
];

// The smallest head size that llama.cpp's attention kernels on GPUs know.
const headSize = 64;
const feedForwardSize = 32;
/**
 * The logit of the right token is this times the square root of the embedding size, all others are 0: at any sampling
 * temperature a client may set the chance of another token vanishes.
 */
const successorWeight = 100;

const plainTemplate = `{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}${answerMark}`;

/**
 * The bytes of a GGUF file whose model answers every chat and every completion with `sentence` and then ends.
 * Throws a RangeError if the sentence is not plain (see `splitSentence`).
 */
export function buildSentenceModel(options: SentenceModelOptions): Uint8Array {
  const pieces = splitSentence(options.sentence);
  const vocabulary = [...specialTokens, ...pieces.map((piece) => [piece, tokenTypes.normal] as const)];
  const embeddingSize = Math.ceil((pieces.length + 1) / 32) * 32;

  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text('llama')],
    ['general.type', text('model')],
    ['general.name', text(options.name)],
    ['general.file_type', uint32(0)],
    ['llama.block_count', uint32(1)],
    ['llama.context_length', uint32(options.contextLength ?? defaultContextLength)],
    ['llama.embedding_length', uint32(embeddingSize)],
    ['llama.feed_forward_length', uint32(feedForwardSize)],
    ['llama.attention.head_count', uint32(1)],
    ['llama.attention.head_count_kv', uint32(1)],
    ['llama.attention.key_length', uint32(headSize)],
    ['llama.attention.value_length', uint32(headSize)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.dimension_count', uint32(headSize)],
    ['llama.vocab_size', uint32(vocabulary.length)],
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.pre', text('default')],
    ['tokenizer.ggml.tokens', { type: 'string-array', value: vocabulary.map(([token]) => token) }],
    ['tokenizer.ggml.scores', { type: 'float32-array', value: vocabulary.map(() => 0) }],
    ['tokenizer.ggml.token_type', { type: 'int32-array', value: vocabulary.map(([, type]) => type) }],
    ['tokenizer.ggml.unknown_token_id', uint32(0)],
    ['tokenizer.ggml.bos_token_id', uint32(1)],
    ['tokenizer.ggml.eos_token_id', uint32(endOfSequence)],
    // With it an empty prompt has a token to go on from.
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: false }],
    ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: false }],
    ['tokenizer.chat_template', text(options.chatTemplate ?? plainTemplate)],
  ]);
  return writeGguf({ metadata, tensors: buildTensors(pieces.length, vocabulary.length, embeddingSize) });
}

/**
 * Cuts a sentence into the texts of its tokens, spaces written as U+2581. As a rule that is one a word. Two or more words
 * share a token where one alone could not stand: it is in the vocabulary already (a duplicate aborts the load), or it is
 * shorter than three characters. The tokenizer builds its tokens from pairs of known ones (llama.cpp:
 * llm_tokenizer_spm in src/llama-vocab.cpp), so without tokens of one or two characters a prompt never contains a piece
 * of the sentence, and the model starts at the beginning every time.
 *
 * Throws a RangeError for fewer than three characters, white space at an end, or a U+2581 in the sentence.
 */
export function splitSentence(sentence: string): string[] {
  if (sentence !== sentence.trim() || sentence.includes(spaceMark)) {
    throw new RangeError('A sentence neither begins nor ends with white space, and it has no U+2581.');
  }
  if (characterCount(sentence) < 3) throw new RangeError('A sentence has at least three characters.');
  const taken = new Set(specialTokens.map(([token]) => token));
  const pieces: string[] = [];
  let pending = '';
  for (const word of sentence.replaceAll(' ', spaceMark).match(/\u2581*[^\u2581]+/g) ?? []) {
    pending += word;
    if (characterCount(pending) < 3 || taken.has(pending)) continue;
    taken.add(pending);
    pieces.push(pending);
    pending = '';
  }
  while (pending !== '') {
    const last = pieces.pop();
    if (last === undefined) throw new RangeError(`The sentence is a reserved token: ${pending}`);
    taken.delete(last);
    pending = last + pending;
    if (taken.has(pending)) continue;
    pieces.push(pending);
    pending = '';
  }
  return pieces;
}

function buildTensors(pieceCount: number, vocabularySize: number, embeddingSize: number): GgufTensor[] {
  const firstPiece = vocabularySize - pieceCount;
  const embeddings = new Float32Array(vocabularySize * embeddingSize);
  const output = new Float32Array(vocabularySize * embeddingSize);
  for (let token = 0; token < vocabularySize; token += 1) {
    embeddings[token * embeddingSize + Math.max(0, token - firstPiece + 1)] = 1;
  }
  for (let dimension = 0; dimension <= pieceCount; dimension += 1) {
    const successor = dimension === pieceCount ? endOfSequence : firstPiece + dimension;
    output[successor * embeddingSize + dimension] = successorWeight;
  }
  const zeros = (name: string, rowLength: number, rows: number): GgufTensor => ({
    name,
    dimensions: [rowLength, rows],
    data: new Float32Array(rowLength * rows),
  });
  const ones = (name: string): GgufTensor => ({
    name,
    dimensions: [embeddingSize],
    data: new Float32Array(embeddingSize).fill(1),
  });
  return [
    { name: 'token_embd.weight', dimensions: [embeddingSize, vocabularySize], data: embeddings },
    ones('blk.0.attn_norm.weight'),
    zeros('blk.0.attn_q.weight', embeddingSize, headSize),
    zeros('blk.0.attn_k.weight', embeddingSize, headSize),
    zeros('blk.0.attn_v.weight', embeddingSize, headSize),
    zeros('blk.0.attn_output.weight', headSize, embeddingSize),
    ones('blk.0.ffn_norm.weight'),
    zeros('blk.0.ffn_gate.weight', embeddingSize, feedForwardSize),
    zeros('blk.0.ffn_up.weight', embeddingSize, feedForwardSize),
    zeros('blk.0.ffn_down.weight', feedForwardSize, embeddingSize),
    ones('output_norm.weight'),
    { name: 'output.weight', dimensions: [embeddingSize, vocabularySize], data: output },
  ];
}

function characterCount(value: string): number {
  return Array.from(value).length;
}

function text(value: string): GgufValue {
  return { type: 'string', value };
}

function uint32(value: number): GgufValue {
  return { type: 'uint32', value };
}
