import { z } from 'zod';

/**
 * Every way Corral itself can fail, with the HTTP status it becomes and the family OpenAI's clients sort it into.
 * The union of codes is closed: a new failure gets a row here and a line in docs/api.md.
 */
const errorTable = {
  /** The request body is not the JSON (or form) it should be. */
  'invalid-request': { status: 400, type: 'invalid_request_error' },
  /** The request names no model. */
  'model-missing': { status: 400, type: 'invalid_request_error' },
  /** No key, or a wrong one. */
  unauthorized: { status: 401, type: 'authentication_error' },
  /** Host, Origin or fetch metadata are not acceptable, or the key may not do this. */
  forbidden: { status: 403, type: 'permission_error' },
  /** No model, alias, request or log of that name. */
  'not-found': { status: 404, type: 'invalid_request_error' },
  /** There is nothing at this path. */
  'unknown-route': { status: 404, type: 'invalid_request_error' },
  /** The path exists, the method does not. */
  'method-not-allowed': { status: 405, type: 'invalid_request_error' },
  /** Another program's API has it, Corral does not. */
  'not-supported': { status: 501, type: 'invalid_request_error' },
  /** The command cannot be carried out in the present state. */
  conflict: { status: 409, type: 'invalid_request_error' },
  /** The body exceeds `server.maxBodyBytes`. */
  'too-large': { status: 413, type: 'invalid_request_error' },
  /** The queue of this model (or of all models) is full. */
  'queue-full': { status: 429, type: 'rate_limit_error' },
  /** There is no room for the model, and none will come by waiting. */
  'no-room': { status: 503, type: 'server_error' },
  /** Game mode is on, and `memory.gameMode.requests` is `refuse`. */
  'game-mode': { status: 503, type: 'server_error' },
  /** The request waited for its whole `queue.maxWait`. */
  'queue-timeout': { status: 503, type: 'server_error' },
  /** Somebody cancelled the waiting request. */
  cancelled: { status: 503, type: 'server_error' },
  /** There is no llama-server to run models with. */
  'engine-missing': { status: 503, type: 'server_error' },
  /** The model's process could not be brought to readiness. */
  'start-failed': { status: 503, type: 'server_error' },
  /** The model failed too often and was given up; `reset` clears it. */
  'model-failed': { status: 503, type: 'server_error' },
  /** The request is answered by a loaded model only, and this one is not. */
  'not-loaded': { status: 503, type: 'server_error' },
  /** The model was ejected while it answered. */
  ejected: { status: 503, type: 'server_error' },
  /** Corral is shutting down. */
  'shutting-down': { status: 503, type: 'server_error' },
  /** The model's process could not be reached, or broke off before it answered. */
  'upstream-unavailable': { status: 502, type: 'server_error' },
  /** The model's process did not answer within `server.timeouts.response`. */
  'upstream-timeout': { status: 504, type: 'server_error' },
  /** No endpoint of a pool could take the request. */
  'pool-unavailable': { status: 503, type: 'server_error' },
  /** The request came back to a Corral it had been at, or went through too many. */
  'loop-detected': { status: 508, type: 'server_error' },
  /** The configuration file has errors. */
  'config-invalid': { status: 422, type: 'invalid_request_error' },
  /** Another program holds the port. */
  'port-taken': { status: 500, type: 'server_error' },
  /** Another Corral holds the data folder. */
  'already-running': { status: 500, type: 'server_error' },
  /** A model could not be downloaded; `details.reason` says why. */
  'download-failed': { status: 502, type: 'server_error' },
  /** A tool that tells about memory did not answer, or not in a form that Corral understands. */
  'probe-failed': { status: 503, type: 'server_error' },
  /** A defect in Corral; the log has the stack. */
  internal: { status: 500, type: 'server_error' },
} as const satisfies Record<string, { status: number; type: string }>;

export type ErrorCode = keyof typeof errorTable;

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

/** HTTP status of an error code. */
export function errorStatus(code: ErrorCode): number {
  return errorTable[code].status;
}

/** The `type` OpenAI's error body carries for a code. */
export function errorType(code: ErrorCode): string {
  return errorTable[code].type;
}

export const serialisedErrorSchema = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** What an `AppError` looks like once it has crossed a transport. */
export type SerialisedError = z.infer<typeof serialisedErrorSchema>;

export interface AppErrorOptions {
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
  /** Seconds after which the same request may do better; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/**
 * The one error of Corral. The message says what failed, on what, and what the user can do about it; it may be shown
 * to anybody who may use the API, so it never holds keys or prompts.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Anything thrown, as an `AppError`; what is not one is a defect and becomes `internal`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AppError('internal', `Corral failed unexpectedly: ${message}`, { cause: thrown });
}

export function serialiseError(error: AppError): SerialisedError {
  return {
    code: error.code,
    message: error.message,
    ...(error.details === undefined ? {} : { details: { ...error.details } }),
  };
}

export function deserialiseError(serialised: SerialisedError): AppError {
  return new AppError(
    serialised.code,
    serialised.message,
    serialised.details === undefined ? {} : { details: serialised.details },
  );
}
