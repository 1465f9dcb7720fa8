import fc from 'fast-check';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { readModelFile } from '../../../electron/engine/catalog/gguf-model-file.ts';
import { writeGgufHeader, type GgufValue } from '../../../electron/engine/catalog/gguf-writer.ts';
import { writeModelShape, writeProjectorShape, type ModelShape } from '../../integration/support/model-shapes.ts';

const shape: ModelShape = {
  architecture: 'llama',
  layers: 3,
  embedding: 256,
  heads: 8,
  kvHeads: [2, 4, 2],
  headSize: 32,
  feedForward: 512,
  vocabulary: 1000,
  contextLength: 4096,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-model-file-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const inFolder = (name: string): string => path.join(folder, name);
const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });

async function writeHeader(
  name: string,
  metadata: Record<string, GgufValue>,
  tensors: { name: string; dimensions: number[]; typeId: number; sizeBytes: number }[] = [],
): Promise<string> {
  const { header, dataBytes } = writeGgufHeader({ metadata: new Map(Object.entries(metadata)), tensors });
  const file = inFolder(name);
  await writeFile(file, header);
  await truncate(file, header.length + dataBytes);
  return file;
}

function refusalOf(file: string): AppError {
  try {
    readModelFile(file);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`${file} was read.`);
}

describe('readModelFile', () => {
  it('describes a model: sizes, heads of each layer, weights where they belong', async () => {
    const file = inFolder('plain.gguf');
    await writeModelShape(file, { ...shape, weightType: 'q8_0' });
    const metadata = readModelFile(file);
    const rowBytes = (256 / 32) * 34;
    expect(metadata).toMatchObject({
      architecture: 'llama',
      name: 'shape of llama',
      kind: 'language',
      quantization: 'q8_0',
      partCount: 1,
      trainedContextSize: 4096,
      embeddingLength: 256,
      vocabularySize: 1000,
      isCausal: true,
      windowTokens: 0,
      inputBytes: 1000 * rowBytes,
      outputBytes: 1000 * rowBytes + 256 * 4,
      tiedOutputBytes: 0,
    });
    expect(metadata.fileBytes).toBe((await readFile(file)).length);
    expect(metadata.layers.map(({ kvHeads }) => kvHeads)).toEqual([2, 4, 2]);
    expect(metadata.layers[1]).toMatchObject({
      cache: 'full',
      heads: 8,
      keyLength: 32,
      valueLength: 32,
      feedForwardLength: 512,
      expertsUsed: 0,
      isGated: true,
      weightBytes: (256 * (256 + 128 + 128 + 256 + 3 * 512) * 34) / 32 + 2 * 256 * 4,
    });
  });

  it.each([
    [true, false],
    [false, true],
    [true, true],
    [false, false],
  ])('says what a projector takes: images %s, audio %s', async (takesImages, takesAudio) => {
    const flag = (value: boolean): GgufValue => ({ type: 'bool', value });
    const file = await writeHeader('projector.gguf', {
      'general.architecture': { type: 'string', value: 'clip' },
      ...(takesImages ? { 'clip.has_vision_encoder': flag(true) } : {}),
      'clip.has_audio_encoder': flag(takesAudio),
    });
    expect(readModelFile(file)).toMatchObject({ kind: 'projector', projector: { takesImages, takesAudio } });
  });

  it('tells experts, tied embeddings, embedding models and projectors apart', async () => {
    const file = inFolder('kinds.gguf');
    const experts = { count: 4, used: 2, feedForward: 96 };
    await writeModelShape(file, { ...shape, kvHeads: 4, experts, isOutputTied: true });
    const mixture = readModelFile(file);
    expect(mixture.layers[0]).toMatchObject({
      feedForwardLength: 96,
      expertsUsed: 2,
      isGated: true,
      expertBytes: 4 * 3 * 96 * 256 * 2,
    });
    expect(mixture.tiedOutputBytes).toBe(1000 * 256 * 2);
    await writeModelShape(file, { ...shape, architecture: 'bert', kvHeads: 8 });
    expect(readModelFile(file)).toMatchObject({ kind: 'embedding', isCausal: false, tiedOutputBytes: 0 });
    await writeProjectorShape(file, {
      ...{ layers: 2, embedding: 64, heads: 4, feedForward: 128, imageSize: 56, patchSize: 14, modelEmbedding: 256 },
    });
    expect(readModelFile(file)).toMatchObject({
      kind: 'projector',
      layers: [],
      projector: { imageSize: 56, patchSize: 14, embeddingLength: 64, feedForwardLength: 128, heads: 4 },
    });
  });

  it('has a fingerprint that changes with the header and with the weights', async () => {
    const file = inFolder('fingerprint.gguf');
    await writeModelShape(file, shape);
    const first = readModelFile(file).fingerprint;
    expect(readModelFile(file).fingerprint).toBe(first);
    const bytes = await readFile(file);
    bytes[bytes.length - 40] = 1;
    await writeFile(file, bytes);
    const second = readModelFile(file).fingerprint;
    await writeModelShape(file, { ...shape, contextLength: 8192 });
    expect(new Set([first, second, readModelFile(file).fingerprint]).size).toBe(3);
  });

  it('does not load layers for multi-token prediction', async () => {
    const file = inFolder('nextn.gguf');
    await writeModelShape(file, { ...shape, kvHeads: 4, extra: { nextn_predict_layers: uint32(1) } });
    expect(readModelFile(file)).toMatchObject({ predictionLayers: 1, layers: [{}, {}] });
  });
});

describe('a model in several parts', () => {
  const part = (index: number, tensor: string): Promise<string> =>
    writeHeader(
      `split-0000${index + 1}-of-00003.gguf`,
      {
        'general.architecture': { type: 'string', value: 'llama' },
        'split.count': { type: 'uint16', value: 3 },
        'split.no': { type: 'uint16', value: index },
        'llama.block_count': uint32(2),
      },
      [{ name: tensor, dimensions: [64, 64], typeId: 0, sizeBytes: 64 * 64 * 4 }],
    );

  it('has the tensors of all of them', async () => {
    const first = await part(0, 'token_embd.weight');
    await part(1, 'blk.0.attn_q.weight');
    await part(2, 'blk.1.attn_q.weight');
    const metadata = readModelFile(first);
    expect(metadata.partCount).toBe(3);
    expect(metadata.inputBytes).toBe(64 * 64 * 4);
    expect(metadata.layers.map(({ weightBytes }) => weightBytes)).toEqual([64 * 64 * 4, 64 * 64 * 4]);
  });

  it('names the part that is missing, and the first where another was given', async () => {
    const first = await part(0, 'token_embd.weight');
    const second = await part(1, 'blk.0.attn_q.weight');
    await rm(inFolder('split-00003-of-00003.gguf'), { force: true });
    expect(refusalOf(first)).toMatchObject({
      code: 'start-failed',
      message: expect.stringMatching(/split-00003-of-00003\.gguf is missing.*all parts/) as string,
    });
    expect(refusalOf(second).message).toMatch(/part 2 of 3.*Name the first part instead: .*split-00001-of-00003\.gguf/);
  });

  it('asks for the names back where they were changed', async () => {
    const renamed = inFolder('renamed.gguf');
    await writeFile(renamed, await readFile(await part(0, 'token_embd.weight')));
    expect(refusalOf(renamed).message).toMatch(/one of 3 parts.*model-00001-of-00003\.gguf/);
  });
});

describe('a file that is not what it should be', () => {
  const uint64 = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  const preamble = (tensors: bigint, pairs: bigint): Buffer =>
    Buffer.concat([Buffer.from('GGUF\u0003\u0000\u0000\u0000', 'latin1'), uint64(tensors), uint64(pairs)]);
  const text = (value: string): Buffer => Buffer.concat([uint64(BigInt(value.length)), Buffer.from(value)]);
  const type = (value: number): Buffer => Buffer.from([value, 0, 0, 0]);

  it.each<[string, Buffer, RegExp]>([
    ['is no GGUF', Buffer.from('PK\u0003\u0004 and so on, for a while'), /not a GGUF/],
    ['is empty', Buffer.alloc(0), /cut off at 0 bytes/],
    ['claims tensors without end', preamble(2n ** 63n, 0n), /claims 9223372036854776000 tensors/],
    ['claims metadata without end', preamble(0n, 2n ** 40n), /claims 1099511627776 metadata pairs/],
    [
      'has a key of 2^60 bytes',
      Buffer.concat([preamble(0n, 1n), uint64(2n ** 60n), Buffer.alloc(64)]),
      /claims \d+ bytes/,
    ],
    [
      'has an array of 2^50 strings',
      Buffer.concat([preamble(0n, 1n), text('a'), type(9), type(8), uint64(2n ** 50n), Buffer.alloc(64)]),
      /claims 1125899906842624 strings in a/,
    ],
    [
      'has an array of arrays',
      Buffer.concat([preamble(0n, 1n), text('a'), type(9), type(9), uint64(1n), Buffer.alloc(64)]),
      /unknown type 9/,
    ],
    [
      'has a value of no known type',
      Buffer.concat([preamble(0n, 1n), text('a'), type(77), Buffer.alloc(64)]),
      /type 77/,
    ],
    [
      'has a tensor with five dimensions',
      Buffer.concat([preamble(1n, 0n), text('t'), type(5), Buffer.alloc(128)]),
      /5 dimensions in tensor t/,
    ],
    [
      'has a tensor larger than any number',
      Buffer.concat([
        ...[preamble(1n, 0n), text('t'), type(4)],
        ...Array.from({ length: 4 }, () => uint64(2n ** 62n)),
        Buffer.alloc(64),
      ]),
      /impossible dimensions in tensor t/,
    ],
    [
      'has a tensor beyond its end',
      Buffer.concat([preamble(1n, 0n), text('t'), type(1), uint64(1000n), type(0), uint64(0n), Buffer.alloc(64)]),
      /cut off: tensor t lies beyond its end/,
    ],
    ['names no architecture', Buffer.concat([preamble(0n, 0n), Buffer.alloc(8)]), /which architecture/],
  ])('is refused when it %s', async (_, content, message) => {
    const file = inFolder('hostile.gguf');
    await writeFile(file, content);
    const error = refusalOf(file);
    expect(error.code).toBe('start-failed');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(file);
  });

  it('is refused when its numbers cannot be', async () => {
    const architecture: GgufValue = { type: 'string', value: 'llama' };
    const layers = await writeHeader('layers.gguf', {
      'general.architecture': architecture,
      'llama.block_count': uint32(4_000_000_000),
    });
    expect(refusalOf(layers).message).toMatch(/claims 4000000000 layers/);
    const negative = await writeHeader('negative.gguf', {
      'general.architecture': architecture,
      'llama.block_count': uint32(1),
      'llama.attention.head_count': { type: 'int32', value: -8 },
    });
    expect(refusalOf(negative).message).toMatch(/impossible llama\.attention\.head_count \(-8\)/);
  });

  it('is refused, and never anything worse, wherever it is damaged or cut', async () => {
    const whole = inFolder('whole.gguf');
    await writeModelShape(whole, { ...shape, vocabulary: 300 });
    const bytes = await readFile(whole);
    const header = bytes.indexOf('output.weight') + 4000;
    const file = inFolder('damaged.gguf');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(header), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
        fc.option(fc.nat(bytes.length)),
        async (changes, length) => {
          const damaged = Buffer.from(bytes.subarray(0, length ?? bytes.length));
          for (const [position, value] of changes) if (position < damaged.length) damaged[position] = value;
          await writeFile(file, damaged);
          try {
            const metadata = readModelFile(file);
            expect(metadata.layers.length).toBeLessThanOrEqual(512);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is measured by the room of a tensor whose type is newer than Corral', async () => {
    const file = await writeHeader(
      'newer.gguf',
      { 'general.architecture': { type: 'string', value: 'llama' }, 'llama.block_count': uint32(1) },
      [
        { name: 'token_embd.weight', dimensions: [32, 10], typeId: 250, sizeBytes: 960 },
        { name: 'output.weight', dimensions: [32, 10], typeId: 0, sizeBytes: 1280 },
      ],
    );
    expect(readModelFile(file)).toMatchObject({ inputBytes: 960, outputBytes: 1280 });
  });
});
