import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { errorStatus, errorType, type AppError } from '#shared/contract/errors.ts';
import type { ApiFamily } from './routes.ts';

/** The body an error becomes for a family of clients. `source` tells Corral's errors from those of a model's server. */
export function errorBody(error: AppError, family: ApiFamily): Record<string, unknown> {
  if (family === 'anthropic') {
    return { type: 'error', error: { type: anthropicType(error), message: error.message, source: 'corral' } };
  }
  return {
    error: {
      message: error.message,
      type: errorType(error.code),
      param: error.code === 'model-missing' || error.code === 'not-found' ? 'model' : null,
      code: openAiCode(error),
      source: 'corral',
      ...(error.details === undefined ? {} : { details: error.details }),
    },
  };
}

/** OpenAI's own word where it has one, since clients match on it; Corral's code otherwise. */
function openAiCode(error: AppError): string {
  switch (error.code) {
    case 'not-found':
      return 'model_not_found';
    case 'unauthorized':
      return 'invalid_api_key';
    case 'queue-full':
      return 'rate_limit_exceeded';
    default:
      return error.code.replaceAll('-', '_');
  }
}

/** https://docs.anthropic.com/en/api/errors */
function anthropicType(error: AppError): string {
  switch (errorStatus(error.code)) {
    case 400:
      return 'invalid_request_error';
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'overloaded_error';
    default:
      return 'api_error';
  }
}

/** Answers with an error, or breaks the connection off if an answer has begun already. */
export function sendError(
  response: ServerResponse,
  error: AppError,
  family: ApiFamily = 'openai',
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(errorBody(error, family));
  const sent: OutgoingHttpHeaders = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-corral-error': error.code,
    ...headers,
  };
  if (error.retryAfterSeconds !== undefined) sent['retry-after'] = String(error.retryAfterSeconds);
  if (error.code === 'unauthorized') sent['www-authenticate'] = 'Bearer';
  response.writeHead(errorStatus(error.code), sent);
  response.end(body);
}

/** An error as an event of a stream that has begun. */
export function errorEvent(error: AppError, family: ApiFamily): string {
  const data = JSON.stringify(errorBody(error, family));
  return family === 'anthropic' ? `event: error\ndata: ${data}\n\n` : `data: ${data}\n\n`;
}
