import { describe, expect, it } from 'vitest';
import { translateOptions } from '../../../electron/engine/ollama/sampling-options.ts';

describe('translateOptions', () => {
  it('gives every sampling option its name with llama-server', () => {
    const alike = {
      temperature: 0.5,
      top_k: 20,
      top_p: 0.9,
      min_p: 0.05,
      typical_p: 0.7,
      seed: 42,
      repeat_last_n: 33,
      repeat_penalty: 1.2,
      presence_penalty: 1.5,
      frequency_penalty: 1,
      mirostat: 1,
      mirostat_tau: 0.8,
      mirostat_eta: 0.6,
      stop: ['\n', 'user:'],
    };
    const { parameters, ignored } = translateOptions({ ...alike, num_predict: 100, num_keep: 5 });
    expect(parameters).toEqual({ ...alike, max_tokens: 100, n_keep: 5 });
    expect(ignored).toEqual([]);
  });

  it('leaves out what belongs to the load of a model, and says so', () => {
    const options = { num_ctx: 8192, num_gpu: 1, use_mmap: true, tfs_z: 1, penalize_newline: true, temperature: 1 };
    const { parameters, ignored } = translateOptions(options);
    expect(parameters).toEqual({ temperature: 1 });
    expect(ignored).toEqual(['num_ctx', 'num_gpu', 'use_mmap', 'tfs_z', 'penalize_newline']);
  });

  it.each([-1, -2, 0])('takes num_predict %d for no limit', (limit) => {
    expect(translateOptions({ num_predict: limit }).parameters).toEqual({});
  });

  it('cuts whole numbers, takes one stop text, and overlooks nothing at all', () => {
    expect(translateOptions({ top_k: 20.9, stop: 'END', seed: null }).parameters).toEqual({ top_k: 20, stop: ['END'] });
    expect(translateOptions(undefined)).toEqual({ parameters: {}, ignored: [] });
    expect(translateOptions({ constructor: 1 })).toEqual({ parameters: {}, ignored: ['constructor'] });
  });

  it.each<[unknown, string]>([
    [{ temperature: 'hot' }, 'option "temperature" must be of type float32'],
    [{ top_k: '4' }, 'option "top_k" must be of type integer'],
    [{ stop: [1] }, 'option "stop" must be of an array of strings'],
    [[], '"options" must be an object'],
  ])('refuses %j', (options, message) => {
    expect(() => translateOptions(options)).toThrow(expect.objectContaining({ code: 'invalid-request', message }));
  });
});
