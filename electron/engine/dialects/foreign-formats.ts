import type { ForeignFormat } from './foreign-format.ts';
import { llamaCppRouterFormat } from './llama-cpp-router/import.ts';
import { llamaSwapFormat } from './llama-swap/import.ts';
import { llamaPresetsFormat } from './presets/import.ts';

/** One line a format, in the order in which files are told apart. */
export const foreignFormats: readonly ForeignFormat[] = [llamaSwapFormat, llamaCppRouterFormat, llamaPresetsFormat];
