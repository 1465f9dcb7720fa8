import type { z } from 'zod';
import type { SeedName } from './dialect-names.ts';
import type { ErrorEnvelope } from './error-envelope.ts';
import { llamaCppRouterFacts } from './llama-cpp-router/facts.ts';
import { llamaSwapFacts } from './llama-swap/facts.ts';
import { llamaModelRouterFacts } from './llama-model-router/facts.ts';
import { llamaRouterFacts } from './llama-router/facts.ts';
import { routerModelFacts } from './routermodel/facts.ts';

/** What the configuration and the answers need to know of a dialect, without what makes it run. */
export interface DialectFacts {
  /** Of `listeners[].options`, with that program's own defaults. */
  readonly optionsSchema: z.ZodObject;
  readonly errors: ErrorEnvelope;
}

/** One line a dialect. */
export const dialectFacts: Readonly<Partial<Record<SeedName, DialectFacts>>> = {
  llama_cpp_router: llamaCppRouterFacts,
  'llama-swap': llamaSwapFacts,
  'llama-router': llamaRouterFacts,
  'llama-model-router': llamaModelRouterFacts,
  routermodel: routerModelFacts,
};
