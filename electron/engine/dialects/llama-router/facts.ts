import type { DialectFacts } from '../dialect-facts.ts';
import { llamaRouterErrors } from './error-answer.ts';
import { llamaRouterOptionsSchema } from './options.ts';

export const llamaRouterFacts: DialectFacts = { optionsSchema: llamaRouterOptionsSchema, errors: llamaRouterErrors };
