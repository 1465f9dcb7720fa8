import type { DialectFacts } from '../dialect-facts.ts';
import { routerModelErrors } from './error-answer.ts';
import { routerModelOptionsSchema } from './options.ts';

export const routerModelFacts: DialectFacts = { optionsSchema: routerModelOptionsSchema, errors: routerModelErrors };
