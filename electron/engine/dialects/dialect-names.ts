/** The five programs whose own clients and files Corral serves. */
export const seedNames = [
  'llama_cpp_router',
  'llama-router',
  'llama-model-router',
  'routermodel',
  'llama-swap',
] as const;

export type SeedName = (typeof seedNames)[number];

/** What a listener can speak. `native` and `ollama` are the native routes, without `/control` and `/ui/`. */
export const dialectNames = ['native', 'ollama', ...seedNames] as const;

export type DialectName = (typeof dialectNames)[number];

/** Kinds of configuration files that are translated when they are read. */
export const foreignFormatNames = [...seedNames, 'llama-presets'] as const;

export type ForeignFormatName = (typeof foreignFormatNames)[number];

export function isSeedName(name: string): name is SeedName {
  return seedNames.some((seed) => seed === name);
}
