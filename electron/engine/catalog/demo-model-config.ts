import type { FileModelConfig } from '../config/resolved-config.ts';

export const DEMO_MODEL_ID = 'corral-demo';

/** How the built-in demo model is run: small, and gone soon after nobody asks it any more. */
export function demoModelConfig(file: string): FileModelConfig {
  return {
    kind: 'file',
    id: DEMO_MODEL_ID,
    aliases: ['demo'],
    file,
    mmproj: undefined,
    contextSize: undefined,
    gpuLayers: 'auto',
    kvCacheType: undefined,
    parallel: undefined,
    embeddings: false,
    pooling: undefined,
    rerank: false,
    devices: [],
    rpc: [],
    args: [],
    keepKvCache: false,
    env: {},
    concurrency: undefined,
    queue: { max: 100, maxWaitMs: 5 * 60_000 },
    ttlMs: 30 * 60_000,
    startTimeoutMs: 60_000,
    answerTimeoutMs: undefined,
    stopGraceMs: 10_000,
    pinned: false,
    startup: false,
    priority: 0,
    filters: undefined,
    isUnlisted: false,
  };
}
