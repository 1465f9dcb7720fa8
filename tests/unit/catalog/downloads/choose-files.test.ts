import { describe, expect, it } from 'vitest';
import { chooseFiles, type RepoFile } from '../../../../electron/engine/catalog/downloads/choose-files.ts';
import { quantOf } from '../../../../electron/engine/catalog/downloads/quant-names.ts';

const GB = 1e9;

function file(path: string, sizeBytes = GB): RepoFile {
  return { path, sizeBytes, digest: { algorithm: 'sha256', hex: 'a'.repeat(64) } };
}

function choose(
  files: readonly RepoFile[],
  source: { quant?: string; file?: string } = {},
  freeMemoryBytes?: number,
): { model: string[]; mmproj: string | undefined; quant: string | undefined } {
  const chosen = chooseFiles({ repo: 'u/r', quant: undefined, file: undefined, ...source }, files, freeMemoryBytes);
  return { model: chosen.model.map(({ path }) => path), mmproj: chosen.mmproj?.path, quant: chosen.quant };
}

const usual = [
  file('README.md'),
  file('imatrix.gguf'),
  file('m-F16.gguf', 16 * GB),
  file('m-Q8_0.gguf', 8 * GB),
  file('m-Q5_K_M.gguf', 6 * GB),
  file('m-UD-Q4_K_XL.gguf', 5.2 * GB),
  file('m-Q4_K_M.gguf', 5 * GB),
  file('m-IQ2_XXS.gguf', 2 * GB),
];

describe('quantOf', () => {
  it.each([
    ['m-Q4_K_M.gguf', 'Q4_K_M'],
    ['qwen3-8b-q4_k_m.gguf', 'Q4_K_M'],
    ['BF16/m-BF16-00001-of-00002.gguf', 'BF16'],
    ['m.UD-IQ1_S.gguf', 'UD-IQ1_S'],
    ['m-fp16.gguf', 'F16'],
    ['gpt-oss-20b-mxfp4.gguf', 'MXFP4'],
    ['model.gguf', undefined],
    ['Q4Life.gguf', undefined],
  ])('%s is %s', (path, quant) => {
    expect(quantOf(path)).toBe(quant);
  });
});

describe('chooseFiles', () => {
  it('takes Q4_K_M where nothing is said and free memory is unknown', () => {
    expect(choose(usual)).toEqual({ model: ['m-Q4_K_M.gguf'], mmproj: undefined, quant: 'Q4_K_M' });
  });

  it.each([
    [24 * GB, 'm-Q8_0.gguf'],
    [8 * GB, 'm-Q5_K_M.gguf'],
    [6 * GB, 'm-UD-Q4_K_XL.gguf'],
    [GB, 'm-IQ2_XXS.gguf'],
  ])('takes the best that fits into %d bytes: %s', (freeBytes, name) => {
    expect(choose(usual, {}, freeBytes).model).toEqual([name]);
  });

  it('takes unquantized weights only where there is nothing else, or when asked', () => {
    expect(choose([file('m-F16.gguf')], {}, 100 * GB).model).toEqual(['m-F16.gguf']);
    expect(choose(usual, { quant: 'f16' }, GB).model).toEqual(['m-F16.gguf']);
  });

  it('finds a quantization by its exact name first, then as part of a name', () => {
    expect(choose(usual, { quant: 'q4_k_m' }).model).toEqual(['m-Q4_K_M.gguf']);
    expect(choose(usual, { quant: 'Q4_K_XL' }).model).toEqual(['m-UD-Q4_K_XL.gguf']);
    expect(choose([file('m-special.gguf'), file('m-other.gguf')], { quant: 'special' }).model).toEqual([
      'm-special.gguf',
    ]);
    expect(() => choose(usual, { quant: 'Q3_K_S' })).toThrow(/It has: F16, Q8_0, Q5_K_M, UD-Q4_K_XL, Q4_K_M, IQ2_XXS/);
    expect(() => choose(usual, { quant: '.*' })).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  it('takes all parts of a split file, and none of one that lacks some', () => {
    const parts = [1, 2, 3].map((part) => file(`Q4_K_M/m-Q4_K_M-0000${part}-of-00003.gguf`));
    expect(choose([...parts].reverse()).model).toEqual(parts.map(({ path }) => path));
    expect(choose(parts, { file: 'm-Q4_K_M-00002-of-00003.gguf' }).model).toHaveLength(3);
    expect(() => choose(parts.slice(1))).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(() => choose(parts.slice(0, 2), { file: 'Q4_K_M/m-Q4_K_M-00001-of-00003.gguf' })).toThrow(/lacks parts/);
  });

  it('brings the projector that belongs to it: bf16 before f16 before f32, its own folder before the top', () => {
    const projectors = [file('mmproj-F32.gguf'), file('mmproj-F16.gguf'), file('mmproj-BF16.gguf')];
    expect(choose([...usual, ...projectors]).mmproj).toBe('mmproj-BF16.gguf');
    expect(choose([...usual, ...projectors.slice(0, 2)]).mmproj).toBe('mmproj-F16.gguf');
    expect(choose([file('a/m-Q4_K_M.gguf'), file('a/mmproj-F32.gguf'), ...projectors]).mmproj).toBe(
      'a/mmproj-F32.gguf',
    );
    expect(choose([...usual, file('other/mmproj-BF16.gguf')]).mmproj).toBeUndefined();
  });

  it('takes the very file that is named, a projector too', () => {
    const files = [...usual, file('mmproj-F16.gguf')];
    expect(choose(files, { file: 'mmproj-F16.gguf' })).toEqual({
      model: ['mmproj-F16.gguf'],
      mmproj: undefined,
      quant: 'F16',
    });
    expect(choose(files, { file: 'm-Q8_0.gguf' }).mmproj).toBeUndefined();
    expect(() => choose(files, { file: 'none.gguf' })).toThrow(/It has: imatrix.gguf, m-F16.gguf/);
  });

  it('says so where there is no GGUF file', () => {
    expect(() => choose([file('model.safetensors')])).toThrow(/has no whole GGUF file/);
  });
});
