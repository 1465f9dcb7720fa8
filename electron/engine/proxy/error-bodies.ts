import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { errorStatus, errorType, type AppError } from '#shared/contract/errors.ts';
import { dialectFacts } from '../dialects/dialect-facts.ts';
import type { EnvelopedError, ErrorEnvelope, ToldError } from '../dialects/error-envelope.ts';
import type { ApiFamily } from './routes.ts';

/** Undefined for the families that are Corral's own. */
function envelopeOf(family: ApiFamily): ErrorEnvelope | undefined {
  if (family === 'openai' || family === 'anthropic' || family === 'ollama') return undefined;
  return dialectFacts[family]?.errors;
}

function toldError(error: AppError): ToldError {
  return { code: error.code, status: errorStatus(error.code), message: error.message, details: error.details };
}

/** The body an error becomes for a family of clients. `source` tells Corral's errors from those of a model's server. */
export function errorBody(error: AppError, family: ApiFamily): Record<string, unknown> {
  // Nothing but the text, which is all that Ollama's clients read.
  if (family === 'ollama') return { error: error.message };
  if (family === 'anthropic') {
    return {
      type: 'error',
      error: { type: anthropicType(errorStatus(error.code)), message: error.message, source: 'corral' },
    };
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
function anthropicType(status: number): string {
  switch (status) {
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
  const answer = errorAnswer(error, family);
  response.writeHead(answer.status, { ...answer.headers, ...headers });
  response.end(answer.body);
}

/** The whole answer that tells of an error. Pure. */
export function errorAnswer(
  error: AppError,
  family: ApiFamily,
): { status: number; headers: OutgoingHttpHeaders; body: string } {
  const { status, contentType, body } = envelopeOf(family)?.answer(toldError(error)) ?? nativeAnswer(error, family);
  const headers: OutgoingHttpHeaders = {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-corral-error': error.code,
  };
  if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(error.retryAfterSeconds);
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
  return { status, headers, body };
}

function nativeAnswer(error: AppError, family: ApiFamily): EnvelopedError {
  return {
    status: errorStatus(error.code),
    contentType: 'application/json; charset=utf-8',
    body: JSON.stringify(errorBody(error, family)),
  };
}

/**
 * Answers with an error before anything of a model's own answer has been sent: as an event where waiting comments have begun
 * a stream, else like `sendError`.
 */
export function sendErrorOrEvent(response: ServerResponse, error: AppError, family: ApiFamily): void {
  if (response.headersSent && !response.destroyed) response.end(errorEvent(error, family));
  else sendError(response, error, family);
}

/** An error as an event of a stream that has begun. */
export function errorEvent(error: AppError, family: ApiFamily): string {
  return envelopeOf(family)?.event(toldError(error)) ?? formatErrorEvent(errorBody(error, family), family);
}

function formatErrorEvent(body: Record<string, unknown>, family: ApiFamily): string {
  const data = JSON.stringify(body);
  if (family === 'ollama') return `${data}\n`;
  return family === 'anthropic' ? `event: error\ndata: ${data}\n\n` : `data: ${data}\n\n`;
}

/**
 * What a model's server refused a request with, as an event of a stream that waiting comments have begun. The server's own
 * words stay as they are, in the family's shape; `status` says what the client cannot see any more. Without Corral's
 * `source`, since it is not Corral's.
 */
export function refusalEvent(status: number, bodyText: string, family: ApiFamily): string {
  const { body, own, message } = readRefusal(status, bodyText);
  const envelope = envelopeOf(family);
  if (envelope !== undefined) return envelope.event({ code: undefined, status, message, details: undefined });
  if (family === 'ollama') return formatErrorEvent({ error: message }, family);
  if (family === 'anthropic') {
    const type = body['type'] === 'error' && typeof own['type'] === 'string' ? own['type'] : anthropicType(status);
    return formatErrorEvent({ type: 'error', error: { type, message, status } }, family);
  }
  const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error';
  return formatErrorEvent({ error: { type, param: null, code: null, ...own, message, status } }, family);
}

/**
 * The words of a server that refuses. Understands the errors of llama-server and OpenAI (`{ error: { message } }`), of
 * FastAPI (`{ detail }`), and takes anything else for plain text.
 */
export function readRefusal(
  status: number,
  bodyText: string,
): {
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly own: Readonly<Record<string, unknown>>;
} {
  const body = asRecord(parseJson(bodyText));
  const own = asRecord(body['error']);
  const said = [own['message'], body['error'], body['message'], body['detail'], bodyText.trim()];
  const message = said.find((text): text is string => typeof text === 'string' && text !== '');
  return { body, own, message: message ?? `The model's server answered with status ${status}.` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Plain text, then.
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
