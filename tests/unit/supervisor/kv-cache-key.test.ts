import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demoModelConfig } from '../../../electron/engine/catalog/demo-model-config.ts';
import type { FileModelConfig } from '../../../electron/engine/config/resolved-config.ts';
import {
  canHandOnKvCache,
  canKeepKvCache,
  kvCacheKey,
  type KvCacheCircumstances,
} from '../../../electron/engine/supervisor/kv-cache-key.ts';
import { commandModelConfig } from '../../fakes/model-config.ts';

const start: KvCacheCircumstances = {
  files: [{ path: '/m.gguf', sizeBytes: 10, modifiedMs: 5 }],
  args: ['--model', '/m.gguf', '--host', '/run/a.sock', '--ctx-size', '4096', '--device', 'CUDA0', '--rope-scale', '2'],
  env: { LLAMA_ARG_A: '1', LLAMA_ARG_B: '2' },
  build: ['b1', 'version 1'],
};
const model: FileModelConfig = { ...demoModelConfig('/m.gguf'), keepKvCache: true };

describe('the key of a saved KV cache', () => {
  it.each<[string, Partial<KvCacheCircumstances>]>([
    ['another size of the file', { files: [{ path: '/m.gguf', sizeBytes: 11, modifiedMs: 5 }] }],
    ['another time of the file', { files: [{ path: '/m.gguf', sizeBytes: 10, modifiedMs: 6 }] }],
    ['a file beside it', { files: [...start.files, { path: '/l.gguf', sizeBytes: 1, modifiedMs: 1 }] }],
    ['another context size', { args: start.args.map((each) => (each === '4096' ? '8192' : each)) }],
    ['a type of the cache', { args: [...start.args, '--cache-type-k', 'q8_0'] }],
    ['other slots', { args: [...start.args, '--parallel', '2'] }],
    ['another argument', { args: start.args.map((each) => (each === '2' ? '4' : each)) }],
    ['another variable', { env: { ...start.env, LLAMA_ARG_B: '3' } }],
    ['another build', { build: ['b2', 'version 1'] }],
    ['another version', { build: ['b1', 'version 2'] }],
  ])('is another one with %s', (_, change) => {
    expect(kvCacheKey({ ...start, ...change })).not.toBe(kvCacheKey(start));
  });

  it.each<[string, Partial<KvCacheCircumstances>]>([
    ['another socket', { args: start.args.map((each) => (each === '/run/a.sock' ? '/run/b.sock' : each)) }],
    ['another device', { args: start.args.map((each) => (each === 'CUDA0' ? 'CUDA1' : each)) }],
    ['a split and offloaded layers', { args: [...start.args, '--tensor-split', '1,2', '-ngl', '7'] }],
    ['a temperature', { args: [...start.args, '--temp=0.5'] }],
    ['variables in another order', { env: { LLAMA_ARG_B: '2', LLAMA_ARG_A: '1' } }],
  ])('is the same with %s', (_, change) => {
    expect(kvCacheKey({ ...start, ...change })).toBe(kvCacheKey(start));
  });

  it('tells words apart from their joints', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (one, two) => {
        const words = (args: string[]): string[] => args.map((each) => `x${each}`);
        const isSame = kvCacheKey({ ...start, args: words(one) }) === kvCacheKey({ ...start, args: words(two) });
        expect(isSame).toBe(JSON.stringify(one) === JSON.stringify(two));
      }),
    );
  });
});

describe('a model', () => {
  it('keeps its cache only if it is asked to and has conversations', () => {
    expect(canKeepKvCache(model)).toBe(true);
    expect(canKeepKvCache({ ...model, keepKvCache: false })).toBe(false);
    expect(canKeepKvCache({ ...model, embeddings: true })).toBe(false);
    expect(canKeepKvCache({ ...model, rerank: true })).toBe(false);
    expect(canKeepKvCache(commandModelConfig('c'))).toBe(false);
    expect(canKeepKvCache(undefined)).toBe(false);
  });

  it.each<[string, Partial<FileModelConfig>, boolean]>([
    ['devices', { devices: ['CUDA1'] }, true],
    ['gpuLayers', { gpuLayers: 3 }, true],
    ['ttl', { ttlMs: 1 }, true],
    ['file', { file: '/n.gguf' }, false],
    ['mmproj', { mmproj: '/p.gguf' }, false],
    ['contextSize', { contextSize: 4096 }, false],
    ['kvCacheType', { kvCacheType: 'q8_0' }, false],
    ['parallel', { parallel: 3 }, false],
    ['args', { args: ['--rope-scale', '2'] }, false],
    ['env', { env: { LLAMA_ARG_CTX_SIZE: '5' } }, false],
    ['keepKvCache', { keepKvCache: false }, false],
  ])('saves on the way to other settings if they leave the cache valid: %s', (_, change, isHandedOn) => {
    expect(canHandOnKvCache(model, { ...model, ...change })).toBe(isHandedOn);
  });

  it('saves nothing once it is no longer configured', () => {
    expect(canHandOnKvCache(model, undefined)).toBe(false);
  });
});
