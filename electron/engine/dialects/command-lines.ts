import type { SeedCommandLine } from './command-line.ts';
import { llamaCppRouterCommandLine } from './llama-cpp-router/command-line.ts';
import { llamaModelRouterCommandLine } from './llama-model-router/command-line.ts';
import { llamaRouterCommandLine } from './llama-router/seed-command-line.ts';
import { llamaSwapCommandLine } from './llama-swap/command-line.ts';
import { routerModelCommandLine } from './routermodel/seed-command-line.ts';

/** One line a program. */
export const seedCommandLines: readonly SeedCommandLine[] = [
  llamaCppRouterCommandLine,
  llamaRouterCommandLine,
  llamaModelRouterCommandLine,
  routerModelCommandLine,
  llamaSwapCommandLine,
];
