import { describe, expect, it } from 'vitest';
import {
  decideCacheLayout,
  type LayerCache,
  type LayoutFacts,
} from '../../../electron/engine/catalog/gguf-cache-layout.ts';

const letters: Readonly<Record<string, LayerCache>> = {
  f: 'full',
  w: 'window',
  r: 'recurrent',
  b: 'full-and-recurrent',
  '-': 'none',
};

function facts(architecture: string, more: Partial<LayoutFacts> = {}): LayoutFacts {
  const layerCount = more.layerCount ?? 8;
  return {
    architecture,
    layerCount,
    predictionLayers: 0,
    kvHeads: Array.from({ length: layerCount }, () => 4),
    slidingWindow: undefined,
    windowPattern: undefined,
    windowPeriod: undefined,
    recurrentPattern: undefined,
    fullAttentionInterval: undefined,
    sharedLayers: 0,
    feedForward: Array.from({ length: layerCount }, () => 100),
    ...more,
  };
}

describe('what the layers of an architecture remember', () => {
  it.each<[name: string, facts: LayoutFacts, layers: string, windowTokens: number]>([
    ['llama', facts('llama'), 'ffffffff', 0],
    ['an unknown architecture with a window it may not use', facts('next', { slidingWindow: 512 }), 'ffffffff', 0],
    ['Gemma 2, whose window has a default', facts('gemma2'), 'wfwfwfwf', 4096],
    ['Gemma 3', facts('gemma3', { slidingWindow: 512 }), 'wwwwwfww', 512],
    ['Gemma 3 without a window', facts('gemma3'), 'ffffffff', 0],
    ['gpt-oss', facts('gpt-oss', { slidingWindow: 128 }), 'wfwfwfwf', 128],
    ['Cohere 2', facts('cohere2', { slidingWindow: 4096 }), 'wwwfwwwf', 4096],
    ['Llama 4, whose chunks are 8192 tokens', facts('llama4'), 'wwwfwwwf', 8192],
    ['Llama 4 without chunks', facts('llama4', { slidingWindow: 0 }), 'ffffffff', 0],
    ['SmallThinker, full first', facts('smallthinker', { slidingWindow: 512 }), 'fwwwfwww', 4096],
    ['a period in the file', facts('gemma3', { slidingWindow: 512, windowPeriod: 2 }), 'wfwfwfwf', 512],
    [
      'a pattern in the file',
      facts('gemma4', { slidingWindow: 512, windowPattern: [1, 0, 0, 1, 1, 0, 1, 1], sharedLayers: 2 }),
      'wffwwf--',
      512,
    ],
    ['EXAONE 4 of 64 layers', facts('exaone4', { layerCount: 64 }), 'wwwf'.repeat(16), 4096],
    ['EXAONE 4 of 30 layers', facts('exaone4', { layerCount: 30, slidingWindow: 4096 }), 'f'.repeat(30), 0],
    ['Phi 3, whose window llama.cpp ignores', facts('phi3', { slidingWindow: 2047 }), 'ffffffff', 0],
    ['BERT', facts('bert'), '--------', 0],
    ['Mamba', facts('mamba', { kvHeads: Array.from({ length: 8 }, () => 0) }), 'rrrrrrrr', 0],
    ['Falcon-H1', facts('falcon-h1'), 'bbbbbbbb', 0],
    ['Qwen 3.5', facts('qwen35'), 'rrrfrrrf', 0],
    ['Qwen 3.5 with an interval', facts('qwen35', { fullAttentionInterval: 2 }), 'rfrfrfrf', 0],
    ['Qwen 3.5 with a pattern', facts('qwen35', { recurrentPattern: [1, 1, 0, 0, 1, 1, 0, 0] }), 'rrffrrff', 0],
    ['Jamba', facts('jamba', { kvHeads: [0, 0, 4, 0, 0, 4, 0, 0] }), 'rrfrrfrr', 0],
    [
      'Nemotron-H with pure feed-forward layers',
      facts('nemotron_h', { kvHeads: [0, 0, 4, 0, 0, 4, 0, 0], feedForward: [0, 9, 0, 9, 0, 0, 9, 0] }),
      'r-f-rf-r',
      0,
    ],
    ['layers for multi-token prediction', facts('glm4moe', { predictionLayers: 1 }), 'fffffff-', 0],
    ['LFM2 with a window', facts('lfm2', { kvHeads: [0, 4, 0, 4, 0, 4, 0, 4], slidingWindow: 64 }), 'rwrwrwrw', 64],
  ])('%s', (_, input, layers, windowTokens) => {
    expect(decideCacheLayout(input)).toEqual({
      layers: Array.from(layers).map((letter) => letters[letter]),
      windowTokens,
    });
  });
});
