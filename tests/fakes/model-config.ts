import type { CommandModelConfig, FileModelConfig, ModelConfig } from '../../electron/engine/config/resolved-config.ts';

function ofEveryKind(): Omit<ModelConfig, 'id' | 'kind'> {
  return {
    aliases: [],
    env: {},
    concurrency: undefined,
    queue: { max: 100, maxWaitMs: 300_000 },
    ttlMs: 1_800_000,
    startTimeoutMs: 120_000,
    answerTimeoutMs: undefined,
    stopGraceMs: 10_000,
    pinned: false,
    filters: undefined,
    isUnlisted: false,
    startup: false,
    priority: 0,
  };
}

/** The settings of a custom-command model, as the defaults have them. */
export function commandModelConfig(id: string, changes: Partial<CommandModelConfig> = {}): CommandModelConfig {
  return {
    kind: 'command',
    id,
    ...ofEveryKind(),
    command: ['server'],
    stopCommand: undefined,
    health: '/health',
    proxy: undefined,
    readyPattern: undefined,
    firstPort: undefined,
    cwd: undefined,
    ...changes,
  };
}

/** The settings of a model with a file, as the defaults have them. */
export function fileModelConfig(id: string, changes: Partial<FileModelConfig> = {}): FileModelConfig {
  return {
    kind: 'file',
    id,
    ...ofEveryKind(),
    file: `/models/${id}.gguf`,
    mmproj: undefined,
    contextSize: undefined,
    gpuLayers: 'auto',
    kvCacheType: undefined,
    parallel: undefined,
    embeddings: false,
    pooling: undefined,
    rerank: false,
    keepKvCache: false,
    devices: [],
    rpc: [],
    args: [],
    ...changes,
  };
}
