/**
 * How ggml stores numbers: each type packs a block of elements into a number of bytes. Pure.
 * Source: `type_traits` in llama.cpp's ggml/src/ggml.c, as `ggml_blck_size` and `ggml_type_size` of build 11669 give them.
 */

export interface TensorType {
  /** ggml's name, in lower case, as the cache types of llama-server are written. */
  readonly name: string;
  readonly elementsPerBlock: number;
  readonly bytesPerBlock: number;
}

/** By ggml's number of the type; the gaps are types that were removed. */
const typesById: ReadonlyMap<number, TensorType> = new Map(
  (
    [
      [0, 'f32', 1, 4],
      [1, 'f16', 1, 2],
      [2, 'q4_0', 32, 18],
      [3, 'q4_1', 32, 20],
      [6, 'q5_0', 32, 22],
      [7, 'q5_1', 32, 24],
      [8, 'q8_0', 32, 34],
      [9, 'q8_1', 32, 36],
      [10, 'q2_k', 256, 84],
      [11, 'q3_k', 256, 110],
      [12, 'q4_k', 256, 144],
      [13, 'q5_k', 256, 176],
      [14, 'q6_k', 256, 210],
      [15, 'q8_k', 256, 292],
      [16, 'iq2_xxs', 256, 66],
      [17, 'iq2_xs', 256, 74],
      [18, 'iq3_xxs', 256, 98],
      [19, 'iq1_s', 256, 50],
      [20, 'iq4_nl', 32, 18],
      [21, 'iq3_s', 256, 110],
      [22, 'iq2_s', 256, 82],
      [23, 'iq4_xs', 256, 136],
      [24, 'i8', 1, 1],
      [25, 'i16', 1, 2],
      [26, 'i32', 1, 4],
      [27, 'i64', 1, 8],
      [28, 'f64', 1, 8],
      [29, 'iq1_m', 256, 56],
      [30, 'bf16', 1, 2],
      [34, 'tq1_0', 256, 54],
      [35, 'tq2_0', 256, 66],
      [39, 'mxfp4', 32, 17],
      [40, 'nvfp4', 64, 36],
      [41, 'q1_0', 128, 18],
      [42, 'q2_0', 64, 18],
    ] as const
  ).map(([id, name, elementsPerBlock, bytesPerBlock]) => [id, { name, elementsPerBlock, bytesPerBlock }]),
);

const idsByName: ReadonlyMap<string, number> = new Map([...typesById].map(([id, type]) => [type.name, id]));

/** Undefined for a number that this table does not know, such as a type newer than it. */
export function tensorType(id: number): TensorType | undefined {
  return typesById.get(id);
}

/** ggml's number of a type. */
export function tensorTypeId(name: string): number | undefined {
  return idsByName.get(name.toLowerCase());
}

/**
 * Bytes of one row of `elements` numbers (ggml_row_size). A row that does not fill its last block counts as if it did;
 * ggml refuses such rows.
 */
export function rowBytes(type: TensorType, elements: number): number {
  return Math.ceil(elements / type.elementsPerBlock) * type.bytesPerBlock;
}

/** Bytes of a tensor's data (ggml_nbytes of a contiguous one). The first dimension is the length of a row. */
export function tensorBytes(type: TensorType, dimensions: readonly number[]): number {
  const [rowLength = 1, ...others] = dimensions;
  return rowBytes(type, rowLength) * others.reduce((product, dimension) => product * dimension, 1);
}
