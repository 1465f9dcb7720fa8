import { z } from 'zod';
import type { ErrorCode } from '#shared/contract/errors.ts';
import type { DialectFacts } from '../dialect-facts.ts';
import { jsonEnvelope } from '../error-envelope.ts';

export const optionsSchema = z.strictObject({
  owner: z.string().prefault('llama.cpp').describe('What `/v1/models` says in `owned_by`.'),
});

/** What the program has no word for, because it refuses nobody and has no limits: HTTP's own status. */
const ownStatus: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'unauthorized',
  'forbidden',
  'too-large',
  'queue-full',
  'shutting-down',
  'conflict',
  'config-invalid',
]);

function isNotFound(code: ErrorCode | undefined): boolean {
  return code === 'unknown-route' || code === 'method-not-allowed';
}

export const llamaCppRouterFacts: DialectFacts = {
  optionsSchema,
  errors: jsonEnvelope(
    ({ code, message }) => (isNotFound(code) ? { notFound: true } : { error: message }),
    ({ code, status }) => (isNotFound(code) ? 404 : code === undefined || ownStatus.has(code) ? status : 500),
  ),
};
