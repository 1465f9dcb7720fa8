import type { ErrorCode } from '#shared/contract/errors.ts';

/** What a client is told about a failure. */
export interface ToldError {
  /** Undefined: it is what a model's own server said. */
  readonly code: ErrorCode | undefined;
  /** What Corral itself, or the model's server, would answer with. */
  readonly status: number;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
}

export interface EnvelopedError {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** How a program's own clients expect to be told of failures. Pure. */
export interface ErrorEnvelope {
  answer(told: ToldError): EnvelopedError;
  /** In a stream of server-sent events that has begun, blank line included. */
  event(told: ToldError): string;
}

/** Errors as JSON; in streams the same object as an event's data. */
export function jsonEnvelope(
  bodyOf: (told: ToldError) => unknown,
  statusOf: (told: ToldError) => number = (told) => told.status,
): ErrorEnvelope {
  return {
    answer: (told) => ({
      status: statusOf(told),
      contentType: 'application/json; charset=utf-8',
      body: JSON.stringify(bodyOf(told)),
    }),
    event: (told) => `data: ${JSON.stringify(bodyOf(told))}\n\n`,
  };
}

/** Errors as plain text; in streams, where only JSON is read, as `{ error: { message } }`. */
export function textEnvelope(
  textOf: (told: ToldError) => string = (told) => told.message,
  statusOf: (told: ToldError) => number = (told) => told.status,
): ErrorEnvelope {
  return {
    answer: (told) => ({ status: statusOf(told), contentType: 'text/plain; charset=utf-8', body: textOf(told) }),
    event: (told) => `data: ${JSON.stringify({ error: { message: textOf(told) } })}\n\n`,
  };
}
