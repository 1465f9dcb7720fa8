import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createGgufCursor, GgufFormatError, type GgufCursor } from './gguf-cursor.ts';
import { tensorBytes, tensorType } from './gguf-tensor-types.ts';

/**
 * Reads the header of a GGUF file (ggml/docs/gguf.md). Of the metadata only numbers, short strings and short lists of
 * numbers are kept; of a vocabulary its length. Synchronous, for the worker of gguf-metadata.ts.
 *
 * Not @huggingface/gguf: that builds every array of the file, tokens and merges included, and awaits each of their
 * elements.
 */

export type GgufScalar = number | boolean | string;

export interface GgufTensorInfo {
  readonly name: string;
  readonly dimensions: readonly number[];
  /** ggml's name of the type, or `type 99` for one that is not in Corral's table. */
  readonly type: string;
  readonly sizeBytes: number;
}

export interface GgufHeader {
  readonly values: ReadonlyMap<string, GgufScalar>;
  /** Lists of numbers and of booleans (as 0 and 1) with at most 4096 elements. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
  /** The length of every array. */
  readonly listLengths: ReadonlyMap<string, number>;
  readonly tensors: readonly GgufTensorInfo[];
  readonly fileBytes: number;
  /** Of what was kept of the header, and of samples of the data. */
  readonly digest: string;
}

/** The largest vocabularies make headers of some 20 MiB. */
const maxHeaderBytes = 128 * 1024 * 1024;
/** Real files have some fifty. */
const maxPairs = 4096;
/** A model of 512 layers (LLAMA_MAX_LAYERS) with 128 tensors each. */
const maxTensors = 65_536;
const maxListLength = 4096;
/** GGML_MAX_DIMS. */
const maxDimensions = 4;
const maxKeptStringBytes = 1024;
/** ggml's own limit is 64 (GGML_MAX_NAME). */
const maxNameBytes = 256;
const sampleBytes = 64 * 1024;

const typeNames = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32'] as const;
const boolType = 7;
const stringType = 8;
const arrayType = 9;
const scalarBytes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/**
 * Throws a `GgufFormatError` for content that is not a whole GGUF file, and errors of the file system as they are. The digest
 * is of what is kept, so it tells files apart only where `keptStringBytes` is the same.
 */
export function readGgufHeader(filePath: string, keptStringBytes = maxKeptStringBytes): GgufHeader {
  const descriptor = openSync(filePath, 'r');
  try {
    const fileBytes = fstatSync(descriptor).size;
    const cursor = createGgufCursor({ descriptor, fileBytes, limitBytes: maxHeaderBytes });
    const counts = readPreamble(cursor);
    const { values, lists, listLengths } = readPairs(cursor, counts.pairs, keptStringBytes);
    const infos = readTensorInfos(cursor, counts.tensors);
    const dataStart = alignUp(cursor.position(), alignmentOf(values));
    const tensors = measureTensors(infos, fileBytes - dataStart);
    const digest = digestOf([...values, ...listLengths, ...infos, fileBytes], descriptor, dataStart, fileBytes);
    return { values, lists, listLengths, tensors, fileBytes, digest };
  } finally {
    closeSync(descriptor);
  }
}

function readPreamble(cursor: GgufCursor): { tensors: number; pairs: number } {
  const magic = cursor.uint32();
  if (magic !== 0x4655_4747) throw new GgufFormatError('is not a GGUF file');
  const version = cursor.uint32();
  if (version !== 2 && version !== 3) throw new GgufFormatError(`is GGUF version ${version}; 2 and 3 can be read`);
  // A tensor's info takes at least 32 bytes, a pair at least 13.
  const tensors = cursor.count('tensors', 32);
  const pairs = cursor.count('metadata pairs', 13);
  if (tensors > maxTensors) throw new GgufFormatError(`claims ${tensors} tensors; at most ${maxTensors} can be read`);
  if (pairs > maxPairs) throw new GgufFormatError(`claims ${pairs} metadata pairs; at most ${maxPairs} can be read`);
  return { tensors, pairs };
}

function readPairs(
  cursor: GgufCursor,
  count: number,
  keptStringBytes: number,
): { values: Map<string, GgufScalar>; lists: Map<string, number[]>; listLengths: Map<string, number> } {
  const values = new Map<string, GgufScalar>();
  const lists = new Map<string, number[]>();
  const listLengths = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const key = cursor.string('a metadata key', maxNameBytes);
    const type = cursor.uint32();
    if (type === arrayType) {
      const { length, numbers } = readArray(cursor, key);
      listLengths.set(key, length);
      if (numbers !== undefined) lists.set(key, numbers);
    } else if (type === stringType) {
      const kept = cursor.shortString(keptStringBytes);
      if (kept !== undefined) values.set(key, kept);
    } else {
      const value = readNumber(cursor, type, key);
      values.set(key, type === boolType ? value !== 0 : value);
    }
  }
  return { values, lists, listLengths };
}

function readArray(cursor: GgufCursor, key: string): { length: number; numbers?: number[] } {
  const type = cursor.uint32();
  if (type === stringType) {
    const length = cursor.count(`strings in ${key}`, 8);
    for (let index = 0; index < length; index += 1) cursor.skip(cursor.count('bytes of a string', 1));
    return { length };
  }
  const itemBytes = scalarBytes[type];
  if (itemBytes === undefined) throw new GgufFormatError(`has an array of unknown type ${type} in ${key}`);
  const length = cursor.count(`values in ${key}`, itemBytes);
  if (length > maxListLength) {
    cursor.skip(length * itemBytes);
    return { length };
  }
  return { length, numbers: Array.from({ length }, () => readNumber(cursor, type, key)) };
}

function readNumber(cursor: GgufCursor, type: number, key: string): number {
  const name = typeNames[type];
  if (name !== undefined) return cursor[name]();
  if (type === boolType) return cursor.uint8();
  if (type === 10) return cursor.uint64();
  if (type === 11) return cursor.int64();
  if (type === 12) return cursor.float64();
  throw new GgufFormatError(`has a value of unknown type ${type} in ${key}`);
}

interface TensorPlace {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly typeId: number;
  readonly offset: number;
}

function readTensorInfos(cursor: GgufCursor, count: number): TensorPlace[] {
  return Array.from({ length: count }, () => {
    const name = cursor.string('a tensor name', maxNameBytes);
    const dimensionCount = cursor.uint32();
    if (dimensionCount > maxDimensions) throw new GgufFormatError(`has ${dimensionCount} dimensions in tensor ${name}`);
    const dimensions = Array.from({ length: dimensionCount }, () => cursor.uint64());
    const elements = dimensions.reduce((product, dimension) => product * dimension, 1);
    if (!Number.isSafeInteger(elements)) throw new GgufFormatError(`has impossible dimensions in tensor ${name}`);
    const typeId = cursor.uint32();
    const offset = cursor.uint64();
    if (!Number.isSafeInteger(offset)) throw new GgufFormatError(`has an impossible offset in tensor ${name}`);
    return { name, dimensions, typeId, offset };
  });
}

/** Sizes by the table of types, and by the distance to the next tensor for a type that is not in it. */
function measureTensors(places: readonly TensorPlace[], dataBytes: number): GgufTensorInfo[] {
  const offsets = [...new Set(places.map(({ offset }) => offset))].sort((one, other) => one - other);
  const nextOffset = new Map(offsets.map((offset, index) => [offset, offsets[index + 1] ?? dataBytes]));
  return places.map(({ name, dimensions, typeId, offset }) => {
    const type = tensorType(typeId);
    const room = Math.max(0, (nextOffset.get(offset) ?? dataBytes) - offset);
    const sizeBytes = type === undefined ? room : tensorBytes(type, dimensions);
    if (!Number.isSafeInteger(sizeBytes) || offset + sizeBytes > dataBytes) {
      throw new GgufFormatError(`is cut off: tensor ${name} lies beyond its end`);
    }
    return { name, dimensions, type: type?.name ?? `type ${typeId}`, sizeBytes };
  });
}

function alignmentOf(values: ReadonlyMap<string, GgufScalar>): number {
  const value = values.get('general.alignment') ?? 32;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1024 * 1024) {
    throw new GgufFormatError('has an impossible general.alignment');
  }
  return value;
}

function alignUp(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

/** The start, the middle and the end of the data tell models apart that differ in their weights alone. */
function digestOf(kept: readonly unknown[], descriptor: number, dataStart: number, fileBytes: number): string {
  const hash = createHash('sha256');
  for (const item of kept) hash.update(`${JSON.stringify(item)}\n`);
  const sample = Buffer.alloc(sampleBytes);
  for (const start of [dataStart, Math.floor((dataStart + fileBytes) / 2), fileBytes - sampleBytes]) {
    hash.update(sample.subarray(0, readSync(descriptor, sample, 0, sampleBytes, Math.max(0, start))));
  }
  return hash.digest('hex');
}
