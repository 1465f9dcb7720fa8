import type { ForeignFormat } from './foreign-format.ts';
import { llamaCppRouterFormat } from './llama-cpp-router/import.ts';
import { llamaModelRouterFormat } from './llama-model-router/import.ts';
import { llamaRouterFormat } from './llama-router/import.ts';
import { llamaSwapFormat } from './llama-swap/import.ts';
import { llamaPresetsFormat } from './presets/import.ts';
import { routerModelFormat } from './routermodel/import.ts';

/** One line a format, in the order in which files are told apart. */
export const foreignFormats: readonly ForeignFormat[] = [
  llamaRouterFormat,
  llamaModelRouterFormat,
  routerModelFormat,
  llamaSwapFormat,
  llamaCppRouterFormat,
  llamaPresetsFormat,
];
