import { describe, expect, it } from 'vitest';
import { planContext, type ContextOptions, type ContextPlan } from '../../../electron/engine/memory/context-plan.ts';
import { model, needOptions } from './support/metadata.ts';

describe('planContext', () => {
  it.each<[name: string, options: Partial<ContextOptions>, plan: Partial<ContextPlan>]>([
    [
      'four slots share the trained context if nothing is said',
      {},
      { slots: 4, isKvUnified: true, contextSize: 4096, streamTokens: 4096, streams: 1, outputTokens: 4 },
    ],
    ['a context of 0 is no context', { contextSize: 0 }, { contextSize: 4096 }],
    [
      'named slots divide the context',
      { slots: 2, contextSize: 8192 },
      { slots: 2, isKvUnified: false, contextSize: 8192, streamTokens: 4096, streams: 2 },
    ],
    [
      'named slots have a trained context each if none is given',
      { slots: 8 },
      { contextSize: 32_768, streamTokens: 4096, streams: 8 },
    ],
    ['unless they are unified', { slots: 8, isKvUnified: true }, { contextSize: 4096, streams: 1 }],
    ['sizes are rounded up to 256', { slots: 3, contextSize: 1000 }, { streamTokens: 512, contextSize: 1536 }],
    ['a micro-batch is 512 tokens', {}, { microBatchTokens: 512 }],
    ['and no more than the batch', { batchSize: 128 }, { microBatchTokens: 128 }],
    ['and no more than the context', { contextSize: 256 }, { microBatchTokens: 256 }],
    ['embeddings have an output for each token', { hasEmbeddings: true }, { microBatchTokens: 512, outputTokens: 512 }],
    ['a single slot has one output', { slots: 1 }, { outputTokens: 1 }],
  ])('%s', (_, options, plan) => {
    expect(planContext(model(), needOptions(options))).toMatchObject(plan);
  });

  it('keeps a window for each slot of a shared cache, and room for a micro-batch', () => {
    const metadata = model({ windowTokens: 512, trainedContextSize: 32_768 });
    const windowOf = (options: Partial<ContextOptions>): number =>
      planContext(metadata, needOptions(options)).windowTokens;
    expect(windowOf({})).toBe(4 * 512 + 512);
    expect(windowOf({ slots: 2, isKvUnified: false })).toBe(1024);
    expect(windowOf({ contextSize: 1024 })).toBe(1024);
    expect(windowOf({ isWindowFull: true })).toBe(32_768);
  });
});
