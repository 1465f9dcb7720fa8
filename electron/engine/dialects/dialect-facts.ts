import type { z } from 'zod';
import type { SeedName } from './dialect-names.ts';
import type { ErrorEnvelope } from './error-envelope.ts';
import { llamaCppRouterFacts } from './llama-cpp-router/facts.ts';

/** What the configuration and the answers need to know of a dialect, without what makes it run. */
export interface DialectFacts {
  /** Of `listeners[].options`, with that program's own defaults. */
  readonly optionsSchema: z.ZodObject;
  readonly errors: ErrorEnvelope;
}

/** One line a dialect. */
export const dialectFacts: Readonly<Partial<Record<SeedName, DialectFacts>>> = {
  llama_cpp_router: llamaCppRouterFacts,
};
