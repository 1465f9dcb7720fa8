/**
 * Writes GGUF version 3, as far as Corral needs it, little endian: metadata and F32 tensors, or the header alone of a file
 * whose tensors have any type.
 * Format: ggml/docs/gguf.md in https://github.com/ggml-org/ggml.
 */

export type GgufValue =
  | { readonly type: 'uint16'; readonly value: number }
  | { readonly type: 'uint32'; readonly value: number }
  | { readonly type: 'int32'; readonly value: number }
  | { readonly type: 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int32-array'; readonly value: readonly number[] }
  | { readonly type: 'bool-array'; readonly value: readonly boolean[] }
  | { readonly type: 'float32-array'; readonly value: readonly number[] }
  | { readonly type: 'string-array'; readonly value: readonly string[] };

export interface GgufTensor {
  readonly name: string;
  /** ggml's order: the first dimension is the contiguous one (the length of a row). */
  readonly dimensions: readonly number[];
  readonly data: Float32Array;
}

/** A tensor without its data. */
export interface GgufTensorShape {
  readonly name: string;
  /** In ggml's order. */
  readonly dimensions: readonly number[];
  /** ggml's number of the type. */
  readonly typeId: number;
  readonly sizeBytes: number;
}

export interface GgufContent {
  /** Written in this order. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
}

/** ggml's GGUF_DEFAULT_ALIGNMENT; it holds because `general.alignment` is not written. */
export const ggufAlignment = 32;

const ggufVersion = 3;
const valueTypes = { uint16: 2, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const tensorTypeF32 = 0;

/**
 * The bytes of a GGUF file. Throws a RangeError if a tensor's data does not fill its dimensions; the content comes from
 * our own code, so that is a defect and not a failure to report.
 */
export function writeGguf(content: GgufContent): Uint8Array {
  const shapes = content.tensors.map(({ name, dimensions, data }) => {
    const elementCount = dimensions.reduce((product, dimension) => product * dimension, 1);
    if (elementCount !== data.length) {
      throw new RangeError(`Tensor ${name} has ${data.length} values for the dimensions ${dimensions.join(' x ')}.`);
    }
    return { name, dimensions, typeId: tensorTypeF32, sizeBytes: data.byteLength };
  });
  const writer = createByteWriter();
  writer.bytes(writeGgufHeader({ metadata: content.metadata, tensors: shapes }).header);
  for (const tensor of content.tensors) {
    writer.float32s(tensor.data);
    writer.pad(ggufAlignment);
  }
  return writer.finish();
}

/**
 * What stands before the data, up to where the first tensor begins, and the length of all that follows. A file with this
 * header that is extended to `header.length + dataBytes` is a model whose weights are all zero, and takes next to no space
 * where the file system knows holes.
 */
export function writeGgufHeader(content: {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensorShape[];
}): { readonly header: Uint8Array; readonly dataBytes: number } {
  const writer = createByteWriter();
  writer.bytes(new TextEncoder().encode('GGUF'));
  writer.uint32(ggufVersion);
  writer.uint64(content.tensors.length);
  writer.uint64(content.metadata.size);
  for (const [key, value] of content.metadata) {
    writer.string(key);
    writeValue(writer, value);
  }
  let offset = 0;
  for (const tensor of content.tensors) {
    writer.string(tensor.name);
    writer.uint32(tensor.dimensions.length);
    for (const dimension of tensor.dimensions) writer.uint64(dimension);
    writer.uint32(tensor.typeId);
    writer.uint64(offset);
    offset += alignUp(tensor.sizeBytes);
  }
  writer.pad(ggufAlignment);
  return { header: writer.finish(), dataBytes: offset };
}

function writeValue(writer: ByteWriter, value: GgufValue): void {
  switch (value.type) {
    case 'uint16':
      writer.uint32(valueTypes.uint16);
      writer.bytes(Uint8Array.of(value.value & 0xff, value.value >> 8));
      return;
    case 'int32':
      writer.uint32(valueTypes.int32);
      writer.int32(value.value);
      return;
    case 'uint32':
      writer.uint32(valueTypes.uint32);
      writer.uint32(value.value);
      return;
    case 'float32':
      writer.uint32(valueTypes.float32);
      writer.float32s([value.value]);
      return;
    case 'bool':
      writer.uint32(valueTypes.bool);
      writer.bytes(Uint8Array.of(value.value ? 1 : 0));
      return;
    case 'string':
      writer.uint32(valueTypes.string);
      writer.string(value.value);
      return;
    case 'int32-array':
      writeArrayHead(writer, valueTypes.int32, value.value.length);
      for (const item of value.value) writer.int32(item);
      return;
    case 'bool-array':
      writeArrayHead(writer, valueTypes.bool, value.value.length);
      writer.bytes(Uint8Array.from(value.value, Number));
      return;
    case 'float32-array':
      writeArrayHead(writer, valueTypes.float32, value.value.length);
      writer.float32s(value.value);
      return;
    case 'string-array':
      writeArrayHead(writer, valueTypes.string, value.value.length);
      for (const item of value.value) writer.string(item);
      return;
  }
}

function writeArrayHead(writer: ByteWriter, itemType: number, length: number): void {
  writer.uint32(valueTypes.array);
  writer.uint32(itemType);
  writer.uint64(length);
}

function alignUp(size: number): number {
  return Math.ceil(size / ggufAlignment) * ggufAlignment;
}

interface ByteWriter {
  bytes(value: Uint8Array): void;
  uint32(value: number): void;
  int32(value: number): void;
  uint64(value: number): void;
  float32s(values: ArrayLike<number>): void;
  string(value: string): void;
  pad(alignment: number): void;
  finish(): Uint8Array;
}

function createByteWriter(): ByteWriter {
  const encoder = new TextEncoder();
  let buffer = new Uint8Array(64 * 1024);
  let length = 0;

  /** A view of the next `size` bytes, which are zero. */
  function reserve(size: number): DataView {
    if (length + size > buffer.length) {
      const larger = new Uint8Array(Math.max(buffer.length * 2, length + size));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    const view = new DataView(buffer.buffer, length, size);
    length += size;
    return view;
  }

  const writer: ByteWriter = {
    bytes(value) {
      reserve(value.length);
      buffer.set(value, length - value.length);
    },
    uint32: (value) => reserve(4).setUint32(0, value, true),
    int32: (value) => reserve(4).setInt32(0, value, true),
    uint64: (value) => reserve(8).setBigUint64(0, BigInt(value), true),
    float32s(values) {
      const view = reserve(values.length * 4);
      for (let index = 0; index < values.length; index += 1) view.setFloat32(index * 4, values[index] ?? 0, true);
    },
    string(value) {
      const encoded = encoder.encode(value);
      writer.uint64(encoded.length);
      writer.bytes(encoded);
    },
    pad(alignment) {
      reserve((alignment - (length % alignment)) % alignment);
    },
    finish: () => buffer.slice(0, length),
  };
  return writer;
}
