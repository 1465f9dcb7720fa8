import type { Placement } from '../memory/placement.ts';
import type { FileModelConfig } from '../config/resolved-config.ts';
import { argumentCount, type LlamaCapabilities } from './capabilities.ts';
import { findFlag, translateArgs } from './translate-args.ts';

/** The command line that runs llama-server on a model's file, in the words its build knows. Pure. */

export type LlamaListenAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface LlamaCommandLine {
  readonly args: string[];
  /** To be set on top of the inherited environment. The API key is not here: the caller sets `LLAMA_API_KEY`. */
  readonly env: Record<string, string>;
  /** What had to be left out or changed, a sentence each. */
  readonly warnings: string[];
}

/** More layers than any model has; unlike `all`, every build understands it. */
const ALL_LAYERS = '999';

/** KV cache types that work without flash attention. */
const plainCacheTypes: ReadonlySet<string> = new Set(['f32', 'f16', 'bf16']);

/** Decided by Corral at each start; in a model's `args` they would cut the server off from it. */
const ownFlags: readonly string[] = ['--host', '--port', '--api-key', '--api-key-file', '--api-prefix'];

/** Corral's own, too, where it keeps the KV cache. */
const SLOT_SAVE_FLAG = '--slot-save-path';

/**
 * Emits only what the build knows: a setting without a flag becomes a warning. The user's `args` come last, so that they
 * win. With capabilities that are empty (an unreadable help) the flags of today's builds are used.
 *
 * `--offline` is left to the user: a local file downloads nothing, while `args` may name a draft model to fetch.
 */
export function buildLlamaCommandLine(options: {
  readonly model: FileModelConfig;
  readonly listen: LlamaListenAddress;
  readonly capabilities: LlamaCapabilities;
  /** Where it was decided to go; undefined leaves that to llama-server. */
  readonly placement?: Pick<Placement, 'devices' | 'split' | 'isSubset'> | undefined;
  /** For a context that is left to Corral. */
  readonly contextSize?: number | undefined;
  /** Takes its place after loads that ran out of memory. */
  readonly reducedContextSize?: number | undefined;
  /** Where slots are saved to; undefined if they are not. */
  readonly kvCacheFolder?: string | undefined;
}): LlamaCommandLine {
  const { model, listen, capabilities, placement } = options;
  const args: string[] = [];
  const warnings: string[] = [];
  const isHelpKnown = capabilities.flags.size > 0;

  /** Adds a flag by the first of its names that the build knows; says whether there was one. */
  const add = (names: readonly [string, ...string[]], ...values: string[]): boolean => {
    const name = isHelpKnown ? findFlag(capabilities, names) : names[0];
    if (name === undefined) return false;
    args.push(name, ...values);
    return true;
  };
  const want = (setting: string, names: readonly [string, ...string[]], ...values: string[]): void => {
    if (add(names, ...values)) return;
    warnings.push(`This build of llama-server has no ${names[0]}; \`${setting}\` was left out.`);
  };

  args.push('--model', model.file);
  if (model.mmproj !== undefined) want('mmproj', ['--mmproj', '-mm'], model.mmproj);
  if (listen.kind === 'socket') args.push('--host', listen.path);
  else args.push('--host', listen.host, '--port', String(listen.port));
  // Newer builds split an alias at commas. A leading dash does no harm: a value is taken as it comes.
  if (!model.id.includes(',')) add(['--alias', '-a'], model.id);

  const contextSize = model.contextSize ?? options.reducedContextSize ?? options.contextSize;
  if (contextSize !== undefined) want('contextSize', ['--ctx-size', '-c'], String(contextSize));
  if (model.contextSize === undefined && options.reducedContextSize !== undefined) {
    warnings.push(`Memory ran out with more: the context is ${options.reducedContextSize} tokens this time.`);
  }
  if (model.gpuLayers !== 'auto') {
    const layers = model.gpuLayers === 'all' ? ALL_LAYERS : String(model.gpuLayers);
    want('gpuLayers', ['--n-gpu-layers', '--gpu-layers', '-ngl'], layers);
  }
  if (model.kvCacheType !== undefined) {
    want('kvCacheType', ['--cache-type-k', '-ctk'], model.kvCacheType);
    want('kvCacheType', ['--cache-type-v', '-ctv'], model.kvCacheType);
    // llama.cpp: "quantized V cache requires flash_attn to be enabled".
    if (!plainCacheTypes.has(model.kvCacheType)) {
      want('kvCacheType', ['--flash-attn', '-fa'], ...onIfValued(capabilities, ['--flash-attn', '-fa']));
    }
  }
  if (model.parallel !== undefined) want('parallel', ['--parallel', '-np'], String(model.parallel));
  if (model.embeddings) want('embeddings', ['--embeddings', '--embedding']);
  if (model.pooling !== undefined) want('pooling', ['--pooling'], model.pooling);
  if (model.rerank) want('rerank', ['--reranking', '--rerank']);
  if (model.rpc.length > 0) want('rpc', ['--rpc'], model.rpc.join(','));
  // How much goes to the workers is llama-server's to say: naming this machine's devices would leave theirs out.
  const isRemote = model.rpc.length > 0;
  const isPlaced = !isRemote && placement !== undefined && (placement.isSubset || placement.split.length > 0);
  const devices = isPlaced ? placement.devices : model.devices;
  if (devices.length > 0) want('devices', ['--device', '-dev'], devices.join(','));
  else if (isPlaced) want('devices', ['--device', '-dev'], 'none');
  if (isPlaced && placement.split.length > 0) {
    want('the split over devices', ['--tensor-split', '-ts'], placement.split.join(','));
  }

  // The page would be reachable through Corral's address, with the model's own settings in it.
  add(['--no-ui', '--no-webui']);
  add(['--metrics']);
  add(['--slots']);
  if (options.kvCacheFolder !== undefined) {
    want('keepKvCache', [SLOT_SAVE_FLAG], options.kvCacheFolder);
    // Else all slots but the one in use are moved to a cache in RAM, from where they cannot be saved.
    if (isHelpKnown) add(['--no-cache-idle-slots']);
  }
  if (takesValue(capabilities, '--log-colors')) args.push('--log-colors', 'off');
  const verbosity = decideVerbosity(capabilities);
  if (verbosity !== undefined) add(['--log-verbosity', '--verbosity', '-lv'], verbosity);

  const own = withoutOwnFlags(model.args, model.keepKvCache ? [...ownFlags, SLOT_SAVE_FLAG] : ownFlags);
  const translated = translateArgs(own.args, capabilities);
  args.push(...translated.args);
  warnings.push(...own.warnings, ...translated.warnings);
  return { args, env: { ...model.env }, warnings };
}

function takesValue(capabilities: LlamaCapabilities, name: string): boolean {
  const entry = capabilities.entries.get(name);
  return entry !== undefined && argumentCount(entry) > 0;
}

/** `on` where flash attention takes a value (and where the help is unknown), nothing where it is a switch. */
function onIfValued(capabilities: LlamaCapabilities, names: readonly string[]): string[] {
  const name = findFlag(capabilities, names);
  return name === undefined || takesValue(capabilities, name) ? ['on'] : [];
}

/**
 * 4 ("trace") where the help lists that level: from then on the memory lines are only printed at it, at the cost of some
 * thirty lines a request and none a token (measured on build 11669; prompts appear in none of them). Builds before print
 * the memory lines by default, and 4 means debug to them.
 */
function decideVerbosity(capabilities: LlamaCapabilities): string | undefined {
  const description = capabilities.entries.get('--log-verbosity')?.description ?? '';
  return /(\d): trace/.exec(description)?.[1];
}

function withoutOwnFlags(args: readonly string[], removed: readonly string[]): { args: string[]; warnings: string[] } {
  const kept: string[] = [];
  const warnings: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    const [name = ''] = argument.split('=', 1);
    if (!removed.includes(name)) {
      kept.push(argument);
      continue;
    }
    if (!argument.includes('=')) index += 1;
    warnings.push(`\`args\` must not set ${name}, which Corral decides at each start; it was left out.`);
  }
  return { args: kept, warnings };
}
