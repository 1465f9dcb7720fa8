/** Quantizations as the names of GGUF files tell them. Pure. */

const quantPattern =
  /(?:^|[-._/])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|BF16|FP?16|FP?32))(?=$|[-._/])/gi;

/** The quantization in a path such as `Q4_K_M/model-Q4_K_M-00001-of-00002.gguf`, in capitals; the last one counts. */
export function quantOf(path: string): string | undefined {
  const found = [...path.replace(/\.gguf$/i, '').matchAll(quantPattern)].at(-1)?.[1];
  return found?.toUpperCase().replace(/^FP(?=16|32)/, 'F');
}

/** What is taken where nothing is asked for and free memory is unknown: a good balance first, then what is nearest. */
export const preferredQuants: readonly string[] = [
  'Q4_K_M',
  'UD-Q4_K_XL',
  'Q4_K_S',
  'Q4_K',
  'Q4_0',
  'IQ4_XS',
  'IQ4_NL',
  'MXFP4',
  'MXFP4_MOE',
  'Q5_K_M',
  'Q5_K_S',
  'Q6_K',
  'Q8_0',
];

/** Weights that were not quantized: twice the download of Q8_0, for no difference that could be seen. */
export function isUnquantized(quant: string | undefined): boolean {
  return quant === 'F16' || quant === 'BF16' || quant === 'F32';
}
