import type { NeedOptions } from './estimate-need.ts';

/** What a model's own arguments for llama-server say about its memory; what they do not say is left out. Pure. */
export function readNeedArgs(args: readonly string[]): Partial<NeedOptions> {
  const valueOf = (...names: string[]): string | undefined => {
    // Of an argument that comes twice the last one counts.
    for (let index = args.length - 1; index >= 0; index -= 1) {
      const [name, inline] = splitOnce(args[index] ?? '');
      if (names.includes(name)) return inline ?? args[index + 1];
    }
    return undefined;
  };
  const has = (...names: string[]): boolean => args.some((argument) => names.includes(argument));
  const count = (...names: string[]): number | undefined => {
    const value = Number(valueOf(...names) ?? Number.NaN);
    return Number.isInteger(value) && value >= 0 ? value : undefined;
  };
  const flashAttention = valueOf('--flash-attn', '-fa');
  const gpuLayers = count('--n-gpu-layers', '--gpu-layers', '-ngl');
  const found: { -readonly [Key in keyof NeedOptions]?: NeedOptions[Key] | undefined } = {
    contextSize: count('--ctx-size', '-c'),
    slots: count('--parallel', '-np'),
    batchSize: count('--batch-size', '-b'),
    microBatchSize: count('--ubatch-size', '-ub'),
    keyCacheType: valueOf('--cache-type-k', '-ctk'),
    valueCacheType: valueOf('--cache-type-v', '-ctv'),
    gpuLayers: has('--cpu') ? 0 : gpuLayers,
    flashAttention: flashAttention === 'on' || flashAttention === 'off' ? flashAttention : undefined,
    isKvUnified: has('--kv-unified', '-kvu') ? true : has('--no-kv-unified', '-no-kvu') ? false : undefined,
    isWindowFull: has('--swa-full') ? true : undefined,
    cpuExpertLayers: has('--cpu-moe', '-cmoe') ? Number.MAX_SAFE_INTEGER : count('--n-cpu-moe', '-ncmoe'),
    hasEmbeddings: has('--embeddings', '--embedding', '--reranking', '--rerank') ? true : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1;
  return at === -1 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
