import { argumentCount, type FlagEntry, type LlamaCapabilities } from './capabilities.ts';

/**
 * Arguments that a user wrote for one build of llama-server, in the words of another. Pure. Flags are meanings: one that
 * the build does not know is written as it knows it, in either direction; one without a translation stays, with a
 * warning, so that llama-server itself has the last word.
 */

export interface TranslatedArgs {
  readonly args: readonly string[];
  /** One sentence for each change, and for each flag that the build will probably refuse. */
  readonly warnings: readonly string[];
}

/** Spellings of one meaning that take the same arguments, over the builds since 2024. */
const synonyms: readonly (readonly string[])[] = [
  ['--no-ui', '--no-webui'],
  ['--ui', '--webui'],
  ['--ui-config', '--webui-config'],
  ['--ui-config-file', '--webui-config-file'],
  ['--ui-mcp-proxy', '--webui-mcp-proxy'],
  ['--embeddings', '--embedding'],
  ['--reranking', '--rerank'],
  ['--n-gpu-layers', '--gpu-layers', '-ngl'],
  ['--spec-draft-n-max', '--draft-max', '--draft-n', '--draft'],
  ['--spec-draft-n-min', '--draft-min', '--draft-n-min'],
  ['--spec-draft-p-min', '--draft-p-min'],
  ['--spec-draft-p-split', '--draft-p-split'],
  ['--spec-draft-model', '--model-draft', '-md'],
  ['--spec-draft-ngl', '--n-gpu-layers-draft', '--gpu-layers-draft', '-ngld'],
  ['--spec-draft-device', '--device-draft', '-devd'],
  ['--spec-draft-type-k', '--cache-type-k-draft', '-ctkd'],
  ['--spec-draft-type-v', '--cache-type-v-draft', '-ctvd'],
  ['--spec-draft-threads', '--threads-draft', '-td'],
  ['--ctx-checkpoints', '--swa-checkpoints'],
];

/** Switches that became `on`, `off` or `auto`. */
const switchesWithValues: readonly (readonly string[])[] = [['--flash-attn', '-fa'], ['--log-colors']];

/** How the model's file is read: two switches and a third in older builds, one `--load-mode` in newer ones. */
interface Loading {
  isMapped: boolean;
  isLocked: boolean;
  isDirect: boolean;
}

/** What these flags say about loading, as they were before `--load-mode`. */
const loadingSwitches: Readonly<Record<string, Partial<Loading>>> = {
  '--mmap': { isMapped: true },
  '--no-mmap': { isMapped: false },
  '--mlock': { isLocked: true },
  '--direct-io': { isDirect: true },
  '-dio': { isDirect: true },
  '--no-direct-io': { isDirect: false },
  '-ndio': { isDirect: false },
};

const loadModes: Readonly<Record<string, Loading>> = {
  auto: { isMapped: true, isLocked: false, isDirect: false },
  none: { isMapped: false, isLocked: false, isDirect: false },
  mmap: { isMapped: true, isLocked: false, isDirect: false },
  mlock: { isMapped: false, isLocked: true, isDirect: false },
  'mmap+mlock': { isMapped: true, isLocked: true, isDirect: false },
  dio: { isMapped: false, isLocked: false, isDirect: true },
};

/** The first spelling that the build knows. */
export function findFlag(capabilities: LlamaCapabilities, names: readonly string[]): string | undefined {
  return names.find((name) => capabilities.flags.has(name));
}

/** A build whose help could not be read (it has no flags) gets the arguments as they are. */
export function translateArgs(args: readonly string[], capabilities: LlamaCapabilities): TranslatedArgs {
  if (capabilities.flags.size === 0) return { args, warnings: [] };
  const output: string[] = [];
  const warnings: string[] = [];
  const loading: { written: string[]; wanted: Partial<Loading> } = { written: [], wanted: {} };
  const queue = [...args];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (!/^-{1,2}[A-Za-z]/.test(name)) {
      output.push(name);
      continue;
    }
    const assignment = /^(--[^=]+)=(.*)$/s.exec(name);
    if (assignment?.[1] !== undefined && !capabilities.flags.has(name)) {
      // llama.cpp has never known this form, whatever the flag.
      queue.unshift(assignment[1], assignment[2] ?? '');
      warnings.push(`llama-server does not know the form ${assignment[1]}=…; the value was passed on its own.`);
      continue;
    }
    const entry = capabilities.entries.get(name);
    const group = switchesWithValues.find((names) => names.includes(name));
    if (entry !== undefined && group !== undefined) {
      output.push(...translateSwitch(name, entry, queue, warnings));
    } else if (entry !== undefined) {
      output.push(name, ...queue.splice(0, argumentCount(entry)));
    } else if (name in loadingSwitches) {
      loading.written.push(name);
      Object.assign(loading.wanted, loadingSwitches[name]);
    } else if (name === '--load-mode' || name === '-lm') {
      const mode = queue.shift() ?? 'auto';
      loading.written.push(`${name} ${mode}`);
      Object.assign(loading.wanted, loadModes[mode]);
    } else {
      output.push(...translateName(name, capabilities, queue, warnings));
    }
  }
  if (loading.written.length > 0) {
    const translated = writeLoading({ ...loadModes['auto'], ...loading.wanted } as Loading, capabilities);
    const written = loading.written.join(' ');
    const told = translated.length === 0 ? 'was left out: it asks for the default' : `became ${translated.join(' ')}`;
    warnings.push(`This build of llama-server does not know ${written}; it ${told}.`);
    output.push(...translated);
  }
  return { args: output, warnings };
}

function translateSwitch(name: string, entry: FlagEntry, queue: string[], warnings: string[]): string[] {
  const value = /^(on|off|auto)$/.test(queue[0] ?? '') ? queue.shift() : undefined;
  if (argumentCount(entry) > 0) {
    if (value === undefined)
      warnings.push(`${name} wants a value in this build of llama-server; it became ${name} on.`);
    return [name, value ?? 'on'];
  }
  if (value === undefined) return [name];
  const isKept = value === 'on';
  warnings.push(
    `${name} takes no value in this build of llama-server; it ${isKept ? `became ${name}` : 'was left out'}.`,
  );
  return isKept ? [name] : [];
}

function translateName(name: string, capabilities: LlamaCapabilities, queue: string[], warnings: string[]): string[] {
  const known = findFlag(capabilities, synonyms.find((names) => names.includes(name)) ?? []);
  const entry = known === undefined ? undefined : capabilities.entries.get(known);
  if (known === undefined || entry === undefined) {
    warnings.push(`This build of llama-server does not know ${name}; it was passed on and may be refused.`);
    return [name];
  }
  warnings.push(`This build of llama-server does not know ${name}; it became ${known}.`);
  return [known, ...queue.splice(0, argumentCount(entry))];
}

function writeLoading(loading: Loading, capabilities: LlamaCapabilities): string[] {
  const modeFlag = findFlag(capabilities, ['--load-mode', '-lm']);
  if (modeFlag !== undefined) {
    const { isMapped, isLocked, isDirect } = loading;
    if (isDirect) return [modeFlag, 'dio'];
    if (isLocked) return [modeFlag, isMapped ? lockedMode(capabilities, modeFlag) : 'mlock'];
    return isMapped ? [] : [modeFlag, 'none'];
  }
  const direct = loading.isDirect ? findFlag(capabilities, ['--direct-io', '-dio']) : undefined;
  if (direct !== undefined) return [direct];
  const output: string[] = [];
  if (!loading.isMapped && capabilities.flags.has('--no-mmap')) output.push('--no-mmap');
  if (loading.isLocked && capabilities.flags.has('--mlock')) output.push('--mlock');
  return output;
}

/** `--mlock` alone locked the mapped file; the first builds with `--load-mode` have no word for that but `mlock`. */
function lockedMode(capabilities: LlamaCapabilities, modeFlag: string): string {
  return capabilities.entries.get(modeFlag)?.description.includes('mmap+mlock') === true ? 'mmap+mlock' : 'mlock';
}
