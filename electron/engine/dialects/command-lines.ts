import type { SeedCommandLine } from './command-line.ts';
import { llamaCppRouterCommandLine } from './llama-cpp-router/command-line.ts';

/** One line a program. */
export const seedCommandLines: readonly SeedCommandLine[] = [llamaCppRouterCommandLine];
