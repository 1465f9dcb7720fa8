import { describe, expect, it } from 'vitest';
import { rowBytes, tensorBytes, tensorType, tensorTypeId } from '../../../electron/engine/catalog/gguf-tensor-types.ts';

describe('the table of tensor types', () => {
  // Bits per weight as llama-quantize names them.
  it.each([
    ['f32', 32],
    ['f16', 16],
    ['bf16', 16],
    ['q8_0', 8.5],
    ['q6_k', 6.5625],
    ['q5_k', 5.5],
    ['q4_k', 4.5],
    ['q4_0', 4.5],
    ['iq4_xs', 4.25],
    ['mxfp4', 4.25],
    ['q3_k', 3.4375],
    ['q2_k', 2.625],
    ['iq2_xxs', 2.0625],
    ['iq1_m', 1.75],
    ['iq1_s', 1.5625],
    ['tq1_0', 1.6875],
  ])('gives %s %f bits a weight', (name, bits) => {
    const type = tensorType(tensorTypeId(name)!)!;
    expect((tensorBytes(type, [1024, 3]) * 8) / 3072).toBe(bits);
  });

  it('knows types by any case, and none that ggml removed or has not made yet', () => {
    expect(tensorTypeId('Q8_0')).toBe(8);
    expect([4, 5, 31, 36, 38, 200].map(tensorType)).toEqual(Array.from({ length: 6 }, () => undefined));
    expect(tensorTypeId('q9_z')).toBeUndefined();
  });

  it('counts a row to the end of its last block', () => {
    expect(rowBytes(tensorType(8)!, 33)).toBe(68);
  });
});
