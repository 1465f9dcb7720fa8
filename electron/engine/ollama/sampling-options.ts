import { AppError } from '#shared/contract/errors.ts';

/**
 * Ollama's `options` in llama-server's words. Pure. What belongs to the load of a model (`num_ctx`, `num_gpu` …) is the
 * configuration's business here and left out, as is what llama.cpp no longer has; `ignored` names it.
 */
export interface SamplingOptions {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly ignored: readonly string[];
}

type Kind = 'integer' | 'number';

/** Their names and types with Ollama, and their names with llama-server (tools/server/README.md). */
const samplingOptions: Readonly<Record<string, readonly [kind: Kind, name: string]>> = {
  temperature: ['number', 'temperature'],
  top_k: ['integer', 'top_k'],
  top_p: ['number', 'top_p'],
  min_p: ['number', 'min_p'],
  typical_p: ['number', 'typical_p'],
  seed: ['integer', 'seed'],
  num_predict: ['integer', 'max_tokens'],
  num_keep: ['integer', 'n_keep'],
  repeat_last_n: ['integer', 'repeat_last_n'],
  repeat_penalty: ['number', 'repeat_penalty'],
  presence_penalty: ['number', 'presence_penalty'],
  frequency_penalty: ['number', 'frequency_penalty'],
  mirostat: ['integer', 'mirostat'],
  mirostat_tau: ['number', 'mirostat_tau'],
  mirostat_eta: ['number', 'mirostat_eta'],
};

/** Throws `invalid-request` for an option of the wrong type. */
export function translateOptions(options: unknown): SamplingOptions {
  if (options === undefined || options === null) return { parameters: {}, ignored: [] };
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw new AppError('invalid-request', '"options" must be an object');
  }
  const parameters: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [option, value] of Object.entries(options as Record<string, unknown>)) {
    if (value === null) continue;
    const known = Object.hasOwn(samplingOptions, option) ? samplingOptions[option] : undefined;
    if (option === 'stop') parameters['stop'] = stopTexts(value);
    else if (known === undefined) ignored.push(option);
    else {
      const [kind, name] = known;
      const number = numberOf(option, kind, value);
      // With Ollama -1 and -2 mean no limit, which is what leaving it out means.
      if (option !== 'num_predict' || number > 0) parameters[name] = number;
    }
  }
  return { parameters, ignored };
}

function numberOf(option: string, kind: Kind, value: unknown): number {
  if (typeof value !== 'number') {
    throw new AppError(
      'invalid-request',
      `option "${option}" must be of type ${kind === 'integer' ? kind : 'float32'}`,
    );
  }
  // As Ollama does with numbers from JSON.
  return kind === 'integer' ? Math.trunc(value) : value;
}

function stopTexts(value: unknown): readonly string[] {
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  if (texts.every((text) => typeof text === 'string')) return texts;
  throw new AppError('invalid-request', 'option "stop" must be of an array of strings');
}
