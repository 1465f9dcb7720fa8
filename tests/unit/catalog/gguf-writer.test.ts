import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ggufAlignment, writeGguf, type GgufValue } from '../../../electron/engine/catalog/gguf-writer.ts';
import { readGguf } from './read-gguf.ts';

const values: fc.Arbitrary<GgufValue> = fc.oneof(
  fc.record({ type: fc.constant('uint32' as const), value: fc.nat() }),
  fc.record({ type: fc.constant('uint16' as const), value: fc.nat(0xffff) }),
  fc.record({ type: fc.constant('int32' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('float32' as const), value: fc.float({ noNaN: true }) }),
  fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'grapheme' }) }),
  fc.record({ type: fc.constant('int32-array' as const), value: fc.array(fc.integer()) }),
  fc.record({ type: fc.constant('bool-array' as const), value: fc.array(fc.boolean()) }),
  fc.record({ type: fc.constant('float32-array' as const), value: fc.array(fc.float({ noNaN: true })) }),
  fc.record({ type: fc.constant('string-array' as const), value: fc.array(fc.string({ unit: 'grapheme' })) }),
);

const tensors = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 5 }).chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }).map((dimensions) => {
        const length = dimensions.reduce((product, dimension) => product * dimension, 1);
        return { name, dimensions, data: Float32Array.from({ length }, (_, index) => index / 3) };
      }),
    ),
  ),
);

describe('writeGguf', () => {
  it('writes what a reader of the format reads back', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), values), tensors, (entries, tensorList) => {
        const metadata = new Map(Object.entries(entries));
        const read = readGguf(writeGguf({ metadata, tensors: tensorList }));
        expect(read.version).toBe(3);
        expect(read.metadata).toEqual(new Map([...metadata].map(([key, { value }]) => [key, value])));
        expect(read.tensors.map(({ name, dimensions, data }) => ({ name, dimensions, data }))).toEqual(tensorList);
        expect(read.tensors.every((tensor) => tensor.fileOffset % ggufAlignment === 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('begins with the bytes of the specification', () => {
    const bytes = writeGguf({ metadata: new Map([['a', { type: 'uint32', value: 7 }]]), tensors: [] });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      // magic, version 3, 0 tensors, 1 pair, key length 1, 'a', type 4, 7, padding to 64
      '47475546' +
        '03000000' +
        '0000000000000000' +
        '0100000000000000' +
        '0100000000000000' +
        '61' +
        '04000000' +
        '07000000' +
        '00'.repeat(23),
    );
  });

  it('refuses data that does not fill its dimensions', () => {
    const tensor = { name: 't', dimensions: [2, 3], data: new Float32Array(5) };
    expect(() => writeGguf({ metadata: new Map(), tensors: [tensor] })).toThrow(RangeError);
  });
});
