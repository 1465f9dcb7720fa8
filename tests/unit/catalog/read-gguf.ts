/** A reader of GGUF version 3 that is written from ggml/docs/gguf.md and not from our writer. */

export interface ReadTensor {
  readonly name: string;
  readonly dimensions: number[];
  readonly fileOffset: number;
  readonly data: Float32Array;
}

export interface ReadGguf {
  readonly version: number;
  readonly metadata: Map<string, unknown>;
  readonly tensors: ReadTensor[];
}

export function readGguf(bytes: Uint8Array): ReadGguf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  const take = (size: number): number => {
    position += size;
    return position - size;
  };
  const uint32 = (): number => view.getUint32(take(4), true);
  const uint64 = (): number => Number(view.getBigUint64(take(8), true));
  const string = (): string => {
    const length = uint64();
    const start = take(length);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start, start + length));
  };
  const value = (type: number): unknown => {
    switch (type) {
      case 2:
        return view.getUint16(take(2), true);
      case 4:
        return uint32();
      case 5:
        return view.getInt32(take(4), true);
      case 6:
        return view.getFloat32(take(4), true);
      case 7:
        return view.getUint8(take(1)) === 1;
      case 8:
        return string();
      case 9: {
        const itemType = uint32();
        return Array.from({ length: uint64() }, () => value(itemType));
      }
      default:
        throw new Error(`type ${type} at ${position}`);
    }
  };

  if (new TextDecoder().decode(bytes.subarray(0, take(4) + 4)) !== 'GGUF') throw new Error('no magic');
  const version = uint32();
  const tensorCount = uint64();
  const pairCount = uint64();
  const metadata = new Map<string, unknown>();
  for (let index = 0; index < pairCount; index += 1) {
    const key = string();
    metadata.set(key, value(uint32()));
  }
  const infos = Array.from({ length: tensorCount }, () => {
    const name = string();
    const dimensions = Array.from({ length: uint32() }, () => uint64());
    if (uint32() !== 0) throw new Error(`${name} is not F32`);
    return { name, dimensions, offset: uint64() };
  });
  const dataStart = Math.ceil(position / 32) * 32;
  const tensors = infos.map(({ name, dimensions, offset }) => {
    const length = dimensions.reduce((product, dimension) => product * dimension, 1);
    const fileOffset = dataStart + offset;
    const data = Float32Array.from({ length }, (_, index) => view.getFloat32(fileOffset + index * 4, true));
    return { name, dimensions, fileOffset, data };
  });
  return { version, metadata, tensors };
}
