import type { GgufHeader, GgufScalar } from './gguf-reader.ts';

/** Typed access to the metadata of a GGUF file, whose numbers nobody vouches for. Pure. */

/** Why a whole GGUF file is no use; to follow its name in a sentence. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError';
}

export interface KeyReader {
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  /** Finite and not negative; anything else in the file is refused. */
  number(key: string): number | undefined;
  /** An integer, 0 if there is none. */
  count(key: string): number;
  list(key: string): readonly number[] | undefined;
  listLength(key: string): number | undefined;
  /** A number for all layers or a list with one for each. */
  perLayer(key: string, layerCount: number, fallback: number | readonly number[]): readonly number[];
}

/** No size in a model is larger; products of four such numbers stay exact enough for an estimate. */
const maxNumber = 2 ** 32;

export function createKeyReader(header: GgufHeader): KeyReader {
  const check = (key: string, value: number): number => {
    if (value >= 0 && value <= maxNumber) return value;
    throw new MetadataError(`has an impossible ${key} (${value})`);
  };
  const valueOf = (key: string): GgufScalar | undefined => header.values.get(key);
  const reader: KeyReader = {
    text(key) {
      const value = valueOf(key);
      return typeof value === 'string' ? value : undefined;
    },
    flag(key) {
      const value = valueOf(key);
      return typeof value === 'boolean' ? value : undefined;
    },
    number(key) {
      const value = valueOf(key);
      return typeof value === 'number' ? check(key, value) : undefined;
    },
    count: (key) => Math.floor(reader.number(key) ?? 0),
    list: (key) => header.lists.get(key),
    listLength: (key) => header.listLengths.get(key),
    perLayer(key, layerCount, fallback) {
      const list = header.lists.get(key);
      const single = reader.number(key);
      return Array.from({ length: layerCount }, (_, layer) => {
        const listed = list?.[layer];
        if (listed !== undefined) return check(key, listed);
        return single ?? (typeof fallback === 'number' ? fallback : (fallback[layer] ?? 0));
      });
    },
  };
  return reader;
}
