import { jsonEnvelope, type ErrorEnvelope, type ToldError } from '../error-envelope.ts';

/** `details.reason` of a refusal because of `proxy_endpoints`. */
export const NOT_PROXIED = 'not-proxied';

/**
 * llama-router's words where it has some, with what Corral knows beside them in `detail`; Corral's own message for the rest.
 * A model that cannot be started is a 404 there.
 */
export const llamaRouterErrors: ErrorEnvelope = jsonEnvelope(
  (told) => {
    const said = wordsOf(told)?.error;
    return said === undefined ? { error: told.message } : { error: said, ...detailOf(told, said) };
  },
  (told) => wordsOf(told)?.status ?? told.status,
);

function wordsOf({ code, details }: ToldError): { readonly status: number; readonly error: string } | undefined {
  switch (code) {
    case 'invalid-request':
    case 'model-missing':
      return { status: 400, error: 'invalid json or model missing' };
    case 'not-found':
      return { status: 404, error: 'model not found' };
    case 'unknown-route':
      return { status: 404, error: details?.['reason'] === NOT_PROXIED ? 'endpoint not proxied' : 'not found' };
    case 'start-failed':
    case 'queue-timeout':
      return {
        status: 404,
        error: details?.['reason'] === 'timed-out' || code === 'queue-timeout' ? 'backend not ready' : FAILED_START,
      };
    case 'model-failed':
    case 'engine-missing':
      return { status: 404, error: FAILED_START };
    case 'upstream-unavailable':
    case 'upstream-timeout':
      return { status: 502, error: 'upstream unavailable' };
    default:
      return undefined;
  }
}

const FAILED_START = 'failed to start process';

/** What is wrong with the request is known to whoever sent it; what is wrong with a model is not. */
function detailOf({ code, message }: ToldError, said: string): { readonly detail?: string } {
  return code === 'not-found' || code === 'unknown-route' || message === said ? {} : { detail: message };
}
