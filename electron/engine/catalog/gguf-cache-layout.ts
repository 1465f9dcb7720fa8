/**
 * What each layer of a model remembers of the tokens before: llama.cpp decides that by architecture. Pure.
 * Source: `load_arch_hparams` in llama.cpp's src/models/<architecture>.cpp, and `llama_model::create_memory` in
 * src/llama-model.cpp, as of build 11669.
 */

/**
 * - `full`: keys and values of every token
 * - `window`: keys and values of a sliding window
 * - `recurrent`: a state of fixed size
 * - `full-and-recurrent`: both (Falcon-H1)
 * - `none`: nothing, as in embedding models, in pure feed-forward layers and in layers that use the cache of others
 */
export type LayerCache = 'full' | 'window' | 'recurrent' | 'full-and-recurrent' | 'none';

export interface LayoutFacts {
  readonly architecture: string;
  /** With the layers of multi-token prediction. */
  readonly layerCount: number;
  /** The last layers, which only predict further tokens; they are not loaded unless asked for. */
  readonly predictionLayers: number;
  /** One a layer. */
  readonly kvHeads: readonly number[];
  /** Undefined where the file has no such key. */
  readonly slidingWindow: number | undefined;
  /** The file's own pattern: true, or not 0, for a layer with a window. */
  readonly windowPattern: readonly number[] | undefined;
  /** Every how many layers one sees everything, where the file says so in one number. */
  readonly windowPeriod: number | undefined;
  readonly recurrentPattern: readonly number[] | undefined;
  readonly fullAttentionInterval: number | undefined;
  /** Layers at the end that use the cache of others. */
  readonly sharedLayers: number;
  /** One a layer; 0 where there is none. */
  readonly feedForward: readonly number[];
}

export interface CacheLayout {
  readonly layers: readonly LayerCache[];
  /** Tokens in the sliding window; 0 without one. */
  readonly windowTokens: number;
}

interface WindowRule {
  /** One of so many layers sees everything. */
  readonly period: number;
  /** Whether it is the first of them; otherwise the last. */
  readonly isFullFirst?: boolean;
  /** The window where the file has no key for it. */
  readonly defaultTokens?: number;
  /** The window whatever the file says. */
  readonly fixedTokens?: number;
}

const windowRules: Readonly<Record<string, WindowRule>> = {
  afmoe: { period: 4 },
  cohere2: { period: 4 },
  cohere2moe: { period: 4, isFullFirst: true },
  'exaone-moe': { period: 4, defaultTokens: 128 },
  gemma2: { period: 2, defaultTokens: 4096 },
  gemma3: { period: 6 },
  gemma3n: { period: 5 },
  'gpt-oss': { period: 2 },
  laguna: { period: 4, isFullFirst: true },
  llama4: { period: 4, defaultTokens: 8192, fixedTokens: 8192 },
  mellum: { period: 4 },
  'muse-glimmer': { period: 4 },
  olmo2: { period: 4 },
  plamo3: { period: 8 },
  smallthinker: { period: 4, isFullFirst: true, fixedTokens: 4096 },
};

/** Those whose window is only used where the file says for each layer whether it has one. */
const patternOnly: ReadonlySet<string> = new Set(['gemma4', 'granite_swa', 'mimo2', 'spark2_5', 'step35']);

/** Models without a context of their own: a text goes through at once. */
const cacheless: ReadonlySet<string> = new Set([
  ...['bert', 'jina-bert-v2', 'jina-bert-v3', 'nomic-bert', 'nomic-bert-moe', 'neo-bert', 'eurobert', 'modern-bert'],
  ...['gemma-embedding', 'wavtokenizer-dec', 'dream', 'llada', 'llada-moe', 'rnd1'],
]);

const recurrentOnly: ReadonlySet<string> = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7']);

/** Hybrids in which a layer without key-value heads is recurrent. */
const recurrentWithoutHeads: ReadonlySet<string> = new Set([
  ...['jamba', 'granitehybrid', 'plamo2', 'lfm2', 'lfm2moe', 'kimi-linear', 'kimi-k3', 'bailingmoe3', 'glm5-next'],
  ...['nemotron_h', 'nemotron_h_moe'],
]);

/** Hybrids in which every so many layers one attends; the number where the file has none. */
const recurrentByInterval: Readonly<Record<string, number>> = {
  qwen3next: 4,
  qwen35: 4,
  qwen35moe: 4,
  qwen4exp: 4,
  'minimax-01': 8,
};

export function decideCacheLayout(facts: LayoutFacts): CacheLayout {
  const windowTokens = windowTokensOf(facts);
  const layers = Array.from({ length: facts.layerCount }, (_, layer) => cacheOf(facts, layer, windowTokens));
  return { layers, windowTokens: layers.includes('window') ? windowTokens : 0 };
}

function cacheOf(facts: LayoutFacts, layer: number, windowTokens: number): LayerCache {
  const { architecture, layerCount, predictionLayers } = facts;
  if (cacheless.has(architecture)) return 'none';
  if (layer >= layerCount - predictionLayers && predictionLayers < layerCount) return 'none';
  if (recurrentOnly.has(architecture)) return 'recurrent';
  if (architecture === 'falcon-h1') return 'full-and-recurrent';
  if (isRecurrent(facts, layer)) return 'recurrent';
  if (layer >= layerCount - facts.sharedLayers) return 'none';
  if ((facts.kvHeads[layer] ?? 0) === 0) return 'none';
  return windowTokens > 0 && hasWindow(facts, layer) ? 'window' : 'full';
}

function isRecurrent({ architecture, kvHeads, feedForward, ...facts }: LayoutFacts, layer: number): boolean {
  const interval = recurrentByInterval[architecture];
  if (interval !== undefined) {
    const flag = facts.recurrentPattern?.[layer];
    return flag === undefined ? (layer + 1) % (facts.fullAttentionInterval ?? interval) !== 0 : flag !== 0;
  }
  if (!recurrentWithoutHeads.has(architecture) || kvHeads[layer] !== 0) return false;
  // Nemotron-H has layers that are nothing but a feed-forward part.
  return !architecture.startsWith('nemotron') || (feedForward[layer] ?? 0) === 0;
}

function windowTokensOf({ architecture, slidingWindow, layerCount, predictionLayers }: LayoutFacts): number {
  // Only the 32B of EXAONE 4 has a window.
  if (architecture === 'exaone4') return layerCount - predictionLayers === 64 ? (slidingWindow ?? 4096) : 0;
  if (patternOnly.has(architecture) || architecture.startsWith('lfm2')) return slidingWindow ?? 0;
  const rule = windowRules[architecture];
  if (rule === undefined || slidingWindow === 0) return 0;
  const tokens = slidingWindow ?? rule.defaultTokens ?? 0;
  return tokens === 0 ? 0 : (rule.fixedTokens ?? tokens);
}

function hasWindow(facts: LayoutFacts, layer: number): boolean {
  const { architecture, windowPattern, windowPeriod, layerCount, predictionLayers } = facts;
  if (architecture.startsWith('lfm2')) return true;
  if (windowPattern !== undefined) return (windowPattern[layer] ?? 0) !== 0;
  const rule = architecture === 'exaone4' ? { period: 4 } : windowRules[architecture];
  if (rule === undefined || layer >= layerCount - predictionLayers) return false;
  const period = windowPeriod ?? rule.period;
  // llama_hparams::set_swa_pattern
  if (period === 0) return true;
  return rule.isFullFirst === true ? layer % period !== 0 : layer % period < period - 1;
}
