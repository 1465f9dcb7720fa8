import type { FileModelConfig, ModelConfig } from '../config/resolved-config.ts';
import { normaliseArgs } from '../memory/need-key.ts';

/** What a saved KV cache is good for. Pure. */

/** A file as far as its content can be told without reading it. */
export interface FileStamp {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface KvCacheCircumstances {
  /** The model, its projector, and every file that the arguments name (adapters, control vectors). */
  readonly files: readonly FileStamp[];
  /** llama-server's arguments without those for keeping the KV cache. */
  readonly args: readonly string[];
  /** Environment variables by which llama-server takes arguments. */
  readonly env: Readonly<Record<string, string>>;
  /** The engine build's id and what the build calls itself. */
  readonly build: readonly [id: string, version: string];
}

/** Where a model is calculated does not change what it remembers; that is decided anew at each start. */
const placementFlags: ReadonlySet<string> = new Set([
  ...['--device', '-dev', '--tensor-split', '-ts', '--main-gpu', '-mg'],
  ...['--n-gpu-layers', '--gpu-layers', '-ngl', '--threads', '-t', '--threads-batch', '-tb'],
]);

/** Equal only for starts between which a saved slot may be handed on. Raised `FORMAT` leaves all earlier files behind. */
export function kvCacheKey(circumstances: KvCacheCircumstances): string {
  const { files, args, env, build } = circumstances;
  return JSON.stringify([
    FORMAT,
    files.map(({ path, sizeBytes, modifiedMs }) => [path, sizeBytes, modifiedMs]),
    withoutPlacement(normaliseArgs(args)),
    Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)),
    build,
  ]);
}

const FORMAT = 1;

function withoutPlacement(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (placementFlags.has(word)) index += 1;
    else kept.push(word);
  }
  return kept;
}

/** Embeddings and rankings have no conversation to go on with. */
export function canKeepKvCache(model: ModelConfig | undefined): model is FileModelConfig {
  return model?.kind === 'file' && model.keepKvCache && !model.embeddings && !model.rerank;
}

/** Whether what a process saves could be restored by one with the settings the model has by now. */
export function canHandOnKvCache(launched: FileModelConfig, now: ModelConfig | undefined): boolean {
  if (!canKeepKvCache(now)) return false;
  return JSON.stringify(decisiveSettings(launched)) === JSON.stringify(decisiveSettings(now));
}

function decisiveSettings(model: FileModelConfig): unknown[] {
  const { file, mmproj, contextSize, kvCacheType, parallel, args, env } = model;
  return [
    ...[file, mmproj ?? null, contextSize ?? null, kvCacheType ?? null, parallel ?? null],
    args,
    Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
}
