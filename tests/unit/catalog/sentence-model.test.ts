import fc from 'fast-check';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoSentence, ensureDemoModel } from '../../../electron/engine/catalog/demo-model.ts';
import { checkGgufFile } from '../../../electron/engine/catalog/gguf-header.ts';
import { buildSentenceModel, splitSentence } from '../../../electron/engine/catalog/sentence-model.ts';
import { readGguf } from './read-gguf.ts';

/** What the model of a file says after `<|bot|>`, by the arithmetic of its tensors. */
function walkChain(bytes: Uint8Array): string {
  const { metadata, tensors } = readGguf(bytes);
  const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
  const embedding = tensors.find((tensor) => tensor.name === 'token_embd.weight')!;
  const output = tensors.find((tensor) => tensor.name === 'output.weight')!;
  const [size] = embedding.dimensions as [number];
  let said = '';
  let token = tokens.indexOf('<|bot|>');
  while (said.length < 100_000) {
    const dimension = embedding.data.subarray(token * size, (token + 1) * size).indexOf(1);
    token = tokens.findIndex((_, row) => (output.data[row * size + dimension] ?? 0) > 0);
    if (token === metadata.get('tokenizer.ggml.eos_token_id')) return said;
    said += tokens[token]!.replaceAll('\u2581', ' ');
  }
  throw new Error('The chain does not end.');
}

const words = fc.oneof(
  fc.constantFrom('a', 'I', 'the', 'cat', '<s>', '<|bot|>', '<0x41>', '</s>', '🐴', '\n'),
  fc.string({ unit: 'grapheme', minLength: 1 }).filter((word) => !/[\s\u2581]/.test(word)),
);
const sentences = fc
  .array(words, { minLength: 1, maxLength: 40 })
  .map((list) => list.join(' ').trim())
  .filter((sentence) => Array.from(sentence).length >= 3 && !['<s>', '<|bot|>', '<0x41>', '</s>'].includes(sentence));

describe('a sentence model', () => {
  it('has a chain that says the sentence and ends, whatever words repeat', () => {
    fc.assert(
      fc.property(sentences, (sentence) => {
        expect(walkChain(buildSentenceModel({ name: 'x', sentence }))).toBe(sentence);
      }),
      { numRuns: 50 },
    );
  });

  it('has no token twice, and none so short that a prompt could be built of it', () => {
    fc.assert(
      fc.property(sentences, (sentence) => {
        const pieces = splitSentence(sentence);
        expect(pieces.join('').replaceAll('\u2581', ' ')).toBe(sentence);
        expect(new Set(pieces).size).toBe(pieces.length);
        expect(Math.min(...pieces.map((piece) => Array.from(piece).length))).toBeGreaterThanOrEqual(3);
      }),
    );
  });

  it('has a token a word where that is possible', () => {
    expect(splitSentence('the cat saw the dog')).toEqual(['the', '\u2581cat', '\u2581saw', '\u2581the', '\u2581dog']);
    expect(splitSentence('one two two I one')).toEqual(['one', '\u2581two', '\u2581two\u2581I', '\u2581one']);
  });

  it.each(['', 'ab', ' leading', 'trailing ', 'a\u2581b c', '<s>'])('refuses %j', (sentence) => {
    expect(() => buildSentenceModel({ name: 'x', sentence })).toThrow(RangeError);
  });

  it('claims the context size it is told', () => {
    const bytes = buildSentenceModel({ name: 'x', sentence: 'one two', contextLength: 512 });
    expect(readGguf(bytes).metadata.get('llama.context_length')).toBe(512);
  });
});

describe('ensureDemoModel', () => {
  it('writes the file once, repairs it, and leaves nothing else', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'corral-demo-'));
    try {
      const file = await ensureDemoModel(path.join(folder, 'models'));
      expect(path.isAbsolute(file)).toBe(true);
      await checkGgufFile(file);
      expect(walkChain(await readFile(file))).toBe(demoSentence);
      const { mtimeMs } = await stat(file);
      expect(await ensureDemoModel(path.join(folder, 'models'))).toBe(file);
      expect((await stat(file)).mtimeMs).toBe(mtimeMs);
      await writeFile(file, 'GGUF');
      await ensureDemoModel(path.join(folder, 'models'));
      expect(walkChain(await readFile(file))).toBe(demoSentence);
      expect(await readdir(path.join(folder, 'models'))).toEqual([path.basename(file)]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
