import type { ForeignFormat } from './foreign-format.ts';
import { llamaCppRouterFormat } from './llama-cpp-router/import.ts';

/** One line a format, in the order in which files are told apart. */
export const foreignFormats: readonly ForeignFormat[] = [llamaCppRouterFormat];
