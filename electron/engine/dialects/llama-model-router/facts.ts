import { z } from 'zod';
import type { DialectFacts } from '../dialect-facts.ts';
import { textEnvelope } from '../error-envelope.ts';

export const llamaModelRouterFacts: DialectFacts = {
  optionsSchema: z.strictObject({}),
  errors: textEnvelope(
    ({ code, message }) =>
      code === 'not-found' ? 'no pool for model' : code === 'unknown-route' ? '404 page not found' : message,
    ({ code, status }) => (code === 'not-found' ? 400 : status),
  ),
};
